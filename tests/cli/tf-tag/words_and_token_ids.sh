# words given one by one, and the ids of tf-tokenize, give what the text gives
m=$SRC/tests/golden/pipelines/tag-bert
echo '{"text": "Anna Karenina é in Paris"}' > text
echo '{"tokens": ["Anna", "Karenina", "é", "in", "Paris"]}' > words
tf-tag -m $m --only --aggregation first text | "$SRC/tests/cli/round" > 1
tf-tag -m $m --only --aggregation first words | "$SRC/tests/cli/round" > 2
tf-tokenize -m $m --offsets text |
	tf-tag -m $m --only --aggregation first | "$SRC/tests/cli/round" > 3
"$SRC/tests/cli/same" 1 2 && "$SRC/tests/cli/same" 1 3 && cat 1
# without the text or the offsets there are tokens alone
tf-tokenize -m $m --only text | tf-tag -m $m --only | "$SRC/tests/cli/round"
cat > bad <<'END'
{"tokens": "Anna"}
{"tokens": ["Anna", 1]}
{"tokens": []}
{"input_ids": [2, 5, 3], "offsets": [[0, 0], [0, 1]]}
{"input_ids": [2, 99999, 3]}
{"text": ""}
{"text": null}
END
tf-tag -m $m --only bad
