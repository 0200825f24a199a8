tf-tokenize -m $SRC/tests/golden/models/bert --decode <<'END'
{"input_ids": [2, 222, 179, 30, 3, 0], "attention_mask": [1, 1, 1, 1, 1, 0]}
{"input_ids": []}
{"input_ids": [2, 260]}
{"input_ids": [-1]}
{"input_ids": [1.5]}
{"input_ids": "2"}
{"input_ids": [2, 3], "attention_mask": [1]}
{"text": "no ids"}
END
echo '{"input_ids": [2, 222, 179, 30, 3]}' |
    tf-tokenize -m $SRC/tests/golden/models/bert --decode --skip-special-tokens --format tsv
