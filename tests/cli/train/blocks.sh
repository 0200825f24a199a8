# texts of a language model are joined and cut into blocks, as run_clm does
for i in $(seq 1100); do
	echo '{"text": "the film was good"}'
done > train.jsonl
echo '{"text": ""}' >> train.jsonl
cat > config.yaml << END
model: $SRC/tests/golden/decoders/gpt2
task: causal-lm
train_file: train.jsonl
block_size: 7
END
n=$(tf-tokenize -m "$SRC/tests/golden/decoders/gpt2" --count train.jsonl |
	jq -cs '([.[:1000][].n_tokens] | add), ([.[1000:][].n_tokens] | add)')
tf-train --dry-run config.yaml |
	jq -c --argjson n "[$(echo $n | tr ' ' ,)]" '[.train_tokens == 7 * .train_records,
		.train_records == ($n | map(. / 7 | floor) | add)]'

ln -s "$SRC/tests/golden/decoders/gpt2" gpt2
ln -s "$SRC/tests/golden/models/bert-no-prefix" bert
head -n 1 train.jsonl > one.jsonl
for word in block_size=100000 'block_size=30 train_file=one.jsonl' \
	'task=classification model=bert' packing=true; do
	tf-train --dry-run config.yaml model=gpt2 $word
	echo "$?"
done
tf-train -q config.yaml task=masked-lm model=bert max_steps=1 logging_steps=1 \
	block_size=16 output_dir=out | jq 'select(.loss) | .loss > 0'
