# tf-tag | tf-eval: entities that are the gold ones; then one of them is moved
m=$SRC/tests/golden/pipelines/tag-bert
head -n 4 "$SRC/tests/data/sentences.jsonl" |
	tf-tag -m $m --aggregation first > tagged
tf-tag -m $m --aggregation first --prefix pred_ tagged |
	tf-eval --task token-classification | jq -c '[.precision, .recall, .f1]'
jq -c '.entities[0].end += 1' tagged |
	tf-tag -m $m --aggregation first --prefix pred_ |
	tf-eval --task token-classification | jq -c '.f1 < 1'
