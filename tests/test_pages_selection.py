"""What is worth a person's time: uncertain, unlike its neighbours, frequent; and which documents to read."""

from unappeal.blocks import Block
from unappeal.pages.documents import JudgedDocument
from unappeal.pages.selection import FREQUENT, NEIGHBOURS, UNCERTAIN, appraise, choose, document_counts

SURE = {
    "body": {"body": 0.98, "appeal": 0.01, "related": 0.01},
    "appeal": {"body": 0.01, "appeal": 0.98, "related": 0.01},
}


def document(name: str, *texts: str, site: str | None = None, doubtful: int = 0) -> JudgedDocument:
    """A document of body blocks, appeals where the text begins with "give"; the last ones are uncertain."""
    blocks = []
    for i, text in enumerate(texts):
        label = "appeal" if text.startswith("give") else "body"
        scores = {"body": 0.5, "appeal": 0.3, "related": 0.2} if i >= len(texts) - doubtful else SURE[label]
        blocks.append(Block(text, 0, len(text), label, scores))
    return JudgedDocument(name, site, None, None, tuple(blocks), (False,) * len(blocks), flagged=False)


def test_blocks_the_model_is_sure_of_are_worth_nothing() -> None:
    (row,) = appraise([document("a", "x", "y", "z")])
    assert [worth.score for worth in row] == [0, 0, 0]


def test_each_reason_is_named() -> None:
    repeated = [document(name, text) for name, text in (("b", "Often"), ("c", "often "), ("d", "often"))]
    rows = appraise([document("a", "x", "give", "y", "z", doubtful=1), *repeated])
    assert [worth.reasons for worth in rows[0]] == [(), (NEIGHBOURS,), (), (UNCERTAIN,)]
    assert rows[1][0].reasons == (FREQUENT,)
    assert rows[1][0].documents == 3


def test_a_text_is_asked_about_once() -> None:
    rows = appraise([document(name, "same", doubtful=1) for name in "abc"])
    assert [bool(row[0].score) for row in rows] == [True, False, False]


def test_a_block_kept_though_it_is_probably_noise_is_most_uncertain() -> None:
    kept = Block("x", 0, 1, "body", {"body": 0.2, "appeal": 0.7, "related": 0.1})
    doubtful = Block("y", 3, 4, "body", {"body": 0.5, "appeal": 0.4, "related": 0.1})
    row = appraise([JudgedDocument("a", None, None, None, (kept, doubtful), (False, False), flagged=False)])[0]
    assert row[0].score > row[1].score > 0


def test_documents_are_chosen_by_worth_and_stay_in_order() -> None:
    documents = [document("sure", "p"), document("two", "q", "r", doubtful=2), document("one", "s", doubtful=1)]
    assert [each.id for each in choose(documents, 2)] == ["two", "one"]
    assert choose(documents, 9) == documents


def test_a_long_document_does_not_outweigh_a_short_one_with_as_many_doubts() -> None:
    long = document("long", *(f"x{i}" for i in range(400)), doubtful=30)
    short = document("short", *(f"y{i}" for i in range(30)), doubtful=20)
    assert [each.id for each in choose([long, short], 1)] == ["short"]


def test_sites_take_turns() -> None:
    documents = [document(f"a{i}", f"x{i}", f"y{i}", site="a", doubtful=2) for i in range(5)]
    documents.append(document("b", "z", "w", site="b", doubtful=1))
    assert {each.site for each in choose(documents, 2)} == {"a", "b"}


def test_counts_of_the_whole_corpus_make_a_text_frequent_in_a_sample() -> None:
    corpus = [document(name, "often") for name in "abc"]
    assert appraise(corpus[:1], document_counts(corpus))[0][0].reasons == (FREQUENT,)
