"""The line rules of C4 (Raffel et al. 2020, section 2.2), as its users write them: plain Python."""

MIN_WORDS = 3
MIN_WORD_CHARS, MAX_WORD_CHARS = 1, 1000
END_MARKS = (".", "?", "!", '"', "”", "。", "？", "！")
POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


def c4_keeps(line: str) -> bool:
    """Tell whether C4 would keep a line."""
    words = line.split()
    if len(words) < MIN_WORDS or any(len(word) > MAX_WORD_CHARS for word in words):
        return False
    if not line.endswith(END_MARKS) or line.endswith("..."):
        return False
    lowered = line.lower()
    if "javascript" in lowered or "lorem ipsum" in lowered or "{" in lowered:
        return False
    return not any(phrase in lowered for phrase in POLICY)
