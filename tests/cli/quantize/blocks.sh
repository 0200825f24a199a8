# Types with blocks: a GGUF that every tool loads, with the figures of what was
# lost; of a folder, and of another GGUF
M=$SRC/tests/golden/decoders/gpt2
echo 'The film was good, and' > in
while read -r t lost; do
	tf-quantize -m "$M" -o "$t" --type "$t" | jq -c --argjson lost "$lost" \
		'[.quantized, .bytes_after, (.layers[0] | .tensor, .to),
		(.relative_error - $lost | fabs < 1e-3)]'
	tf-tokenize -m "$t" --only < in > ids
	tf-tokenize -m "$M" --only < in | cmp - ids
	tf-generate -m "$t" --max-new-tokens 3 < in | jq -c '.output_ids | length'
done << END
q8_0 0.005
q6_k 0.005
q5_1 0.034
q5_0 0.041
q4_1 0.069
q4_0 0.080
q4_k 0.029
END
tf-model convert -m "$M" -o gpt2.gguf > log
tf-quantize -m gpt2.gguf -o g --type q4_0 | jq -c .bytes_after
cmp g/model.gguf q4_0/model.gguf || tf-model diff g q4_0

# experts of a layer are one tensor; errors weighed by what the layers read
ln -s "$SRC"/tests/golden/decoders/* .
echo '{"text": "I love this movie."}' >> in.jsonl
for m in llama mixtral; do
	tf-quantize -m $m -o plain-$m --type q5_0 > plain
	tf-quantize -m $m -o weighed-$m --type q5_0 --calibrate in > weighed
	jq -c '[.quantized, .bytes_before, .bytes_after]' plain weighed
	tf-quantize -m $m -o again-$m --type q5_0 --calibrate in.jsonl > again
	jq -n --slurpfile a plain --slurpfile b weighed --slurpfile c again \
		'($a[0].relative_error < $b[0].relative_error) and
		($c[0].relative_error != $b[0].relative_error)'
	tf-generate -m weighed-$m --max-new-tokens 3 < in | jq -c '.output_ids | length'
done
echo '{"body": "none"}' > bad.jsonl
tf-quantize -m llama -o bad --type q4_0 --calibrate bad.jsonl
: > empty
tf-quantize -m llama -o bad --type q4_0 --calibrate empty
tf-quantize -m llama -o bad --type int8 --calibrate in

# those that are kept, by either name
for k in '*.1.ffn_down*' '*.1.mlp.c_proj'; do
	tf-quantize -m "$M" -o "k$k" --type q4_0 --keep "$k" |
		jq -c '[.layers[].tensor]'
done
tf-quantize -m "$M" -o x --type q4_0 --keep '*' | jq -c .
tf-quantize -m "$M" -o x --type q4_0 --max-shard-size 1MB
tf-quantize -m bloom -o b --type q4_0
tf-quantize -m gpt2.gguf -o i --type int8
