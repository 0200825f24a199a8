# each task's metrics from predictions, and what can't be judged
tf-eval --task classification <<END
{"label": "a", "pred_label": "a"}
{"label": "b", "pred_label": "a"}
{"label": 3, "pred_label": 3}
{"label": "a"}
END
echo $?
tf-eval --task classification --threshold 0.4 <<END
{"labels": ["a", "b"], "pred_labels": [{"label": "a", "score": 0.9}, {"label": "b", "score": 0.3}]}
{"labels": [], "pred_labels": []}
END
tf-eval --task regression --prediction p --reference r <<END
{"r": 1, "p": 1.5}
{"r": 2, "p": 2.5}
{"r": 4, "p": 3}
{"r": "x", "p": 3}
END
tf-eval --task question-answering <<END
{"answers": {"text": ["Denver Broncos", "the Broncos"], "answer_start": [1, 2]}, "answer": "The Denver Broncos!"}
{"answers": [], "answer": ""}
{"answers": "in May", "answer": "in early May"}
END
tf-eval --task token-classification <<END
{"entities": [{"start": 0, "end": 4, "entity_group": "PER"}], "pred_entities": [{"entity_group": "PER", "score": 0.9, "word": "Anna", "start": 0, "end": 4}, {"entity_group": "LOC", "start": 9, "end": 12}]}
{"entities": [], "pred_entities": []}
END
tf-eval --task token-classification <<END
{"tags": ["B-PER", "I-PER", "O"], "pred_tags": ["B-PER", "O", "O"]}
{"tags": ["B-PER", "O"], "pred_tags": ["B-PER"]}
END
tf-eval --task generation <<END
{"reference": "the cat sat on the mat", "generated_text": "the cat sat on a mat"}
END
tf-eval < /dev/null; echo $?
