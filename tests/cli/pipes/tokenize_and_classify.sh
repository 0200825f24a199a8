# ids of tf-tokenize give what the texts give; texts that are generated are read
m=$SRC/tests/golden/models/bert
head -n 20 "$SRC/tests/data/sentences.jsonl" > in
tf-classify -m $m --max-length 64 in | "$SRC/tests/cli/round" > 1
tf-tokenize -m $m --max-length 64 in | tf-classify -m $m |
	sed 's/"input_ids".*"label"/"label"/' | "$SRC/tests/cli/round" > 2
"$SRC/tests/cli/same" 1 2 && wc -l < 2
g=$SRC/tests/golden/decoders/gpt2
head -n 3 in | tf-generate -m $g --max-new-tokens 4 |
	tf-classify -m $m --field generated_text --prefix new_ --only |
	"$SRC/tests/cli/round"
