# the pipeline's answer: prompt and continuation, ids, why it ended
D=$SRC/tests/golden/decoders
printf 'The film\nThe film was good.\n' > in
for m in gpt2 qwen3 t5; do
	tf-generate -m $D/$m --max-new-tokens 6 < in
	tf-generate -m $D/$m --max-new-tokens 6 -b 1 --no-full-text < in |
		cut -c1-40
done
