# records that bring token ids are not tokenized; what can't be read is an error
# in its place
m=$SRC/tests/golden/models/bert
cat > in <<'END'
{"input_ids": [2, 91, 239, 213, 166, 225, 20, 69, 3]}
{"input_ids": [2, 91, 239, 213, 166, 225, 20, 69, 3, 0, 0], "attention_mask": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]}
{"input_ids": [2, 260, 3]}
{"input_ids": [2, -1, 3]}
{"input_ids": []}
{"input_ids": [2, 3], "token_type_ids": [0, 2]}
{"input_ids": "2"}
{"text": "no"}
END
tf-classify -m $m --logits < in | "$SRC/tests/cli/round"
# too many are never cut
awk 'BEGIN { printf "{\"input_ids\": [2"; for (i = 0; i < 160; i++) printf ", 5"
	print "]}" }' | tf-classify -m $m --only
