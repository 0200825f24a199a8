# the model makes the predictions first
tf-eval --task classification -m $SRC/models/sentiment $SRC/tests/data/sentences.jsonl |
	jq -c '[.n, .accuracy > 0.8]'
tf-eval --task classification -m /nowhere $SRC/tests/data/sentences.jsonl 2>&1; echo $?
