"""Exports of labelling tools, in the shapes their documentation gives, awkward cases included."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from unappeal.errors import InputError
from unappeal_training.imports.common import ImportOptions
from unappeal_training.imports.spans import Span, placed
from unappeal_training.labelled import Labels, read_labels, read_texts

TEXT = "Prices rose on Monday.\n\nSupport us today 🙏\nDonate now\n\nRead more"
BLOCKS = ("Prices rose on Monday.", "Support us today 🙏", "Donate now", "Read more")
ASK = TEXT.index("Support"), TEXT.index("now") + 3
MORE = TEXT.index("Read"), len(TEXT)


def load(tmp_path: Path, records: list[Any] | dict[str, Any], name: str = "export.json", **options: Any) -> Labels:
    path = tmp_path / name
    lines = isinstance(records, list) and name.endswith(".jsonl")
    content = "".join(json.dumps(r) + "\n" for r in records) if lines else json.dumps(records)
    path.write_text(content, encoding="utf-8")
    return read_labels([path], ImportOptions(**options))


def by_blocks(labels: Labels) -> dict[tuple[str, ...], list[int]]:
    return {d.blocks: d.labels.tolist() for d in labels.documents}


# Label Studio


def annotation(result: list[Any], **fields: Any) -> dict[str, Any]:
    return {"id": 1001, "completed_by": 10, "was_cancelled": False, "ground_truth": False, "result": result, **fields}


def choice(label: str, **fields: Any) -> dict[str, Any]:
    value = {"choices": [label]}
    return {"id": "x", "from_name": "kind", "to_name": "text", "type": "choices", "value": value, **fields}


def region(start: int, end: int, label: str, text: str | None = None) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label], "text": TEXT[start:end] if text is None else text}
    return {"id": "r", "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual", "value": value}


def task(annotations: list[Any], number: int = 1, **data: Any) -> dict[str, Any]:
    return {"id": number, "project": 83, "data": {"text": TEXT, **data}, "annotations": annotations, "predictions": []}


def test_label_studio_spans_cross_blocks_and_what_they_miss_is_story(tmp_path: Path) -> None:
    labels = load(tmp_path, [task([annotation([region(*ASK, "appeal"), region(*MORE, "related")])])])
    assert by_blocks(labels) == {BLOCKS: [0, 1, 1, 2]}
    labels = load(tmp_path, [task([annotation([region(*ASK, "appeal")])])], uncovered="unlabelled")
    assert by_blocks(labels) == {BLOCKS: [-1, 1, 1, -1]}


def test_label_studio_offsets_in_utf16_units_are_recognised_by_their_text(tmp_path: Path) -> None:
    shifted = (
        region(ASK[0], ASK[1] + 1, "appeal", TEXT[slice(*ASK)]),
        region(MORE[0] + 1, MORE[1] + 1, "related", "Read more"),
    )
    assert by_blocks(load(tmp_path, [task([annotation(list(shifted))])])) == {BLOCKS: [0, 1, 1, 2]}


def test_label_studio_spans_that_fit_nowhere_leave_the_text_out(tmp_path: Path) -> None:
    labels = load(tmp_path, [task([annotation([region(3, 9, "appeal", "elsewhere")])])])
    assert labels.documents == []
    assert labels.notes.counts == {"text left out: a span's offsets do not fit its text": 1}


def test_a_block_partly_covered_or_under_two_labels_has_none(tmp_path: Path) -> None:
    result = [region(0, 10, "appeal"), region(*MORE, "appeal"), region(*MORE, "related")]
    labels = load(tmp_path, [task([annotation(result)])])
    assert by_blocks(labels) == {BLOCKS: [-1, 0, 0, -1]}
    assert sorted(labels.notes.counts) == [
        "block covered by spans of several labels: left without a label",
        "block partly covered by spans: left without a label",
    ]


def test_label_studio_cancelled_missing_and_predicted_annotations_do_not_count(tmp_path: Path) -> None:
    predicted = {**task([], 3), "predictions": [{"model_version": "m", "result": [choice("appeal")]}]}
    tasks = [
        task([annotation([choice("appeal")], was_cancelled=True)], 1, text="Skipped"),
        task([], 2, text="Open"),
        predicted,
        task([annotation([choice("appeal")])], 4, text="Give"),
        task([annotation([])], 5, text="Empty answer"),
    ]
    labels = load(tmp_path, tasks)
    assert ("Give",) in by_blocks(labels)
    assert ("Skipped",) not in by_blocks(labels)
    assert labels.notes.counts["cancelled annotation (skipped task): left out"] == 1
    assert labels.notes.counts["task nobody annotated: left out"] == 2
    assert labels.notes.counts["answer without a label: left out"] == 1


def test_label_studio_without_regions_means_all_story_where_spans_are_marked(tmp_path: Path) -> None:
    tasks = [task([annotation([region(*ASK, "appeal")])], 1), task([annotation([])], 2, text="A story.")]
    assert by_blocks(load(tmp_path, tasks))[("A story.",)] == [0]


def test_label_studio_annotators_vote_within_a_task(tmp_path: Path) -> None:
    def votes(*given: str) -> list[Any]:
        return [annotation([choice(label)], completed_by={"id": i}) for i, label in enumerate(given)]

    tasks = [task(votes("appeal", "appeal", "related"), 1, text="Give"), task(votes("body", "related"), 2, text="Tie")]
    labels = load(tmp_path, tasks)
    assert by_blocks(labels) == {("Give",): [1], ("Tie",): [-1]}
    assert len(labels.ties) == 1


def test_label_studio_tasks_that_name_document_and_position_make_documents(tmp_path: Path) -> None:
    tasks = [
        task([annotation([choice(label)])], i, text=text, document="d", position=i, site="x.org", language="en")
        for i, (text, label) in enumerate([("Headline", "body"), ("Give", "appeal")])
    ]
    labels = load(tmp_path, tasks)
    assert by_blocks(labels) == {("Headline", "Give"): [0, 1]}
    assert labels.documents[0].site == "x.org"


def test_label_studio_with_several_controls_needs_the_question(tmp_path: Path) -> None:
    tasks = [task([annotation([choice("appeal"), choice("sure", from_name="certainty")])], text="Give")]
    with pytest.raises(InputError, match="answers to certainty, kind: name the one with the labels with --question"):
        load(tmp_path, tasks)
    assert by_blocks(load(tmp_path, tasks, question="kind")) == {("Give",): [1]}


def test_label_studio_json_min_has_choices_and_spans_beside_the_data(tmp_path: Path) -> None:
    common = {"annotator": 1, "annotation_id": 3, "created_at": "2024-01-01T00:00:00Z", "lead_time": 4.2}
    span = {"start": ASK[0], "end": ASK[1], "text": TEXT[slice(*ASK)], "labels": ["appeal"]}
    records = [
        {"id": 1, "text": "Give", "label": "appeal", **common},
        {"id": 2, "text": "Menu", "label": {"choices": ["related"]}, **common},
        {"id": 3, "text": TEXT, "label": [span], **common},
        {"id": 4, "text": "Nothing", **common},
    ]
    labels = load(tmp_path, records)
    assert by_blocks(labels) == {("Give",): [1], ("Menu",): [2], BLOCKS: [0, 1, 1, 0]}


def test_label_studio_hypertext_uses_global_offsets(tmp_path: Path) -> None:
    value = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "hypertextlabels": ["related"], "text": "Read more"}
    good = {**value, "globalOffsets": {"start": MORE[0], "end": MORE[1]}}
    results = [[{"type": "hypertextlabels", "from_name": "l", "value": v}] for v in (good, value)]
    labels = load(tmp_path, [task([annotation(r)], i) for i, r in enumerate(results)])
    assert labels.documents[0].labels.tolist() == [0, 0, 0, 2]
    assert labels.notes.counts == {"region without offsets into the text: left out": 1}


# doccano


def test_doccano_sequence_labelling_relations_and_classification(tmp_path: Path) -> None:
    records = [
        {"id": 7, "text": TEXT, "label": [[*ASK, "appeal"], [*MORE, "related"]], "Comments": []},
        {"id": 8, "text": "Give", "label": ["appeal"], "Comments": [], "site": "x.org"},
        {"id": 9, "text": "Nobody was here", "label": [], "Comments": []},
        {"id": 10, "text": "Both", "label": ["appeal", "related"], "Comments": []},
    ]
    labels = load(tmp_path, records, "all.jsonl")
    assert by_blocks(labels) == {BLOCKS: [0, 1, 1, 2], ("Give",): [1]}
    assert labels.notes.counts["text nobody labelled: left out"] == 1
    assert labels.notes.counts["answer with several labels: left out"] == 1
    entity = {"id": 1, "label": "appeal", "start_offset": ASK[0], "end_offset": ASK[1]}
    labels = load(tmp_path, [{"id": 7, "text": TEXT, "entities": [entity], "relations": []}], "rel.jsonl")
    assert by_blocks(labels) == {BLOCKS: [0, 1, 1, 0]}


def test_doccano_archives_hold_one_file_a_person_who_vote(tmp_path: Path) -> None:
    votes: dict[str, list[str | None]] = {
        "admin": ["appeal", "body"],
        "ann": ["appeal", "related"],
        "bob": ["related", None],
    }
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for person, given in votes.items():
            lines = [
                {"id": i, "text": text, "label": [label] if label else [], "Comments": []}
                for i, (text, label) in enumerate(zip(["Give", "Tie"], given, strict=True))
            ]
            archive.writestr(f"{person}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    labels = read_labels([tmp_path / "export.zip"])
    assert by_blocks(labels) == {("Give",): [1], ("Tie",): [-1]}
    assert len(labels.ties) == 1


# Prodigy


def prodigy(answer: str = "accept", **fields: Any) -> dict[str, Any]:
    hashes = {"_input_hash": 49843849, "_task_hash": 2003036685, "_timestamp": 1700000000}
    return {"text": "Give", "answer": answer, **hashes, **fields}


def test_prodigy_choices_categories_and_spans(tmp_path: Path) -> None:
    options = [{"id": name, "text": name} for name in ("body", "appeal", "related")]
    spans = [{"start": ASK[0], "end": ASK[1], "token_start": 4, "token_end": 9, "label": "appeal"}]
    records = [
        prodigy(options=options, accept=["appeal"], config={"choice_style": "single"}),
        prodigy(text="Menu", label="related", meta={"site": "x.org"}),
        prodigy(text=TEXT, spans=spans, tokens=[], _view_id="spans_manual"),
        prodigy("ignore", text="Ignored", accept=["appeal"]),
        prodigy("reject", text="Not this", label="appeal"),
        prodigy(text="No answer", options=options, accept=[]),
    ]
    labels = load(tmp_path, records, "out.jsonl")
    assert by_blocks(labels) == {("Give",): [1], ("Menu",): [2], BLOCKS: [0, 1, 1, 0]}
    assert len(labels.notes.counts) == 4
    assert {d.site for d in labels.documents} == {"", "x.org"}


def test_prodigy_sessions_are_people(tmp_path: Path) -> None:
    records = [
        prodigy(accept=[label], _annotator_id=f"set-{i}") for i, label in enumerate(["appeal", "appeal", "body"])
    ]
    assert by_blocks(load(tmp_path, records, "out.jsonl")) == {("Give",): [1]}


# Argilla


def argilla(text: str, responses: Any, **fields: Any) -> dict[str, Any]:
    common = {"metadata": {"site": "x.org"}, "suggestions": {"label": {"value": "body", "score": 0.9, "agent": "m"}}}
    return {"id": text, "fields": {"text": text}, **common, "responses": responses, "vectors": {}, **fields}


def test_argilla_records_with_labels_and_spans(tmp_path: Path) -> None:
    spans = [{"start": ASK[0], "end": ASK[1], "label": "appeal"}]
    records = [
        argilla("Give", {"label": [{"value": "appeal", "user_id": "u1"}, {"value": "appeal", "user_id": "u2"}]}),
        argilla(TEXT, {"label": [{"value": spans, "user_id": "u1"}]}),
        argilla("Only suggested", {}),
    ]
    labels = load(tmp_path, records)
    assert by_blocks(labels) == {("Give",): [1], BLOCKS: [0, 1, 1, 0]}
    assert labels.notes.counts["record nobody answered: left out"] == 1
    assert labels.documents[0].site == "x.org"


def test_argilla_flattened_and_first_generation_records_tell_discarded_responses(tmp_path: Path) -> None:
    flat = {
        "id": "1",
        "text": "Give",
        "label.responses": ["appeal", "body"],
        "label.responses.users": ["u1", "u2"],
        "label.responses.status": ["submitted", "discarded"],
        "label.suggestion": "body",
    }
    labels = load(tmp_path, [flat], "flat.jsonl")
    assert by_blocks(labels) == {("Give",): [1]}
    assert labels.notes.counts["discarded response: left out"] == 1
    old = [
        {"user_id": "u", "values": {"label": {"value": "appeal"}}, "status": status}
        for status in ("submitted", "draft")
    ]
    assert by_blocks(load(tmp_path, [argilla("Give", old)])) == {("Give",): [1]}


def test_argilla_with_several_questions_needs_the_question(tmp_path: Path) -> None:
    answers = {"label": [{"value": "appeal", "user_id": "u"}], "note": [{"value": "hm", "user_id": "u"}]}
    with pytest.raises(InputError, match="answers to label, note: name the one with the labels with --question"):
        load(tmp_path, [argilla("Give", answers)])
    assert by_blocks(load(tmp_path, [argilla("Give", answers)], question="label")) == {("Give",): [1]}


# Dolma


def attributes(name: str = "d1") -> dict[str, Any]:
    marks = {"body": [[0, 22, 0.9], [*MORE, 0.2]], "appeal": [[*ASK, 0.8]], "related": [[*MORE, 0.7]]}
    return {"id": name, "attributes": {f"unappeal__news_1__{label}": spans for label, spans in marks.items()}}


def test_dolma_attributes_are_joined_to_the_documents_beside_them(tmp_path: Path) -> None:
    for folder, record in (
        ("documents", {"id": "d1", "text": TEXT, "source": "s"}),
        ("attributes/unappeal", attributes()),
    ):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "0.jsonl").write_text(json.dumps(record) + "\n")
    labels = read_labels([tmp_path / "attributes" / "unappeal" / "0.jsonl"])
    assert by_blocks(labels) == {BLOCKS: [0, 1, 1, 2]}
    assert labels.documents[0].id.endswith("/d1")


def test_dolma_attributes_without_their_document_are_left_out_and_others_come_from_an_option(tmp_path: Path) -> None:
    labels = load(tmp_path, [attributes()], "a.jsonl")
    assert labels.notes.counts == {"attributes of a document that is not at hand: left out": 1}
    (tmp_path / "docs.jsonl").write_text(json.dumps({"id": "d1", "text": TEXT}) + "\n")
    documents = read_texts([tmp_path / "docs.jsonl"])
    assert by_blocks(load(tmp_path, [attributes()], "a.jsonl", documents=documents)) == {BLOCKS: [0, 1, 1, 2]}


def test_dolma_spans_of_another_shape_are_refused(tmp_path: Path) -> None:
    record = {"id": "d1", "attributes": {"x": [[0, 3]]}}
    with pytest.raises(InputError, match=r"a\.jsonl:1: attribute 'x' holds \[0, 3\]: a span is \[start, end, score\]"):
        load(tmp_path, [record], "a.jsonl", documents={"d1": TEXT})


def test_spans_without_text_are_taken_at_their_word() -> None:
    assert placed("abc", [Span(0, 3, "x")]) == [Span(0, 3, "x")]
    assert placed("abc", [Span(0, 9, "x")]) is None
