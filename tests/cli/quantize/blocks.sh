# Types with blocks: a GGUF that every tool loads, with the figures of what was
# lost; of a folder, and of another GGUF
M=$SRC/tests/golden/decoders/gpt2
echo 'The film was good, and' > in
for t in q8_0 q6_k q5_1 q5_0 q4_1 q4_0 q4_k; do
	tf-quantize -m "$M" -o $t --type $t | jq -c \
		'[.quantized, .bytes_after, (.layers[0] | .tensor, .to),
		(.relative_error * 1000 | round)]'
	tf-tokenize -m $t --only < in > ids
	tf-tokenize -m "$M" --only < in | cmp - ids
	tf-generate -m $t --max-new-tokens 3 < in | jq -c '.output_ids | length'
done
tf-model convert -m "$M" -o gpt2.gguf > log
tf-quantize -m gpt2.gguf -o g --type q4_0 | jq -c .bytes_after
cmp g/model.gguf q4_0/model.gguf || tf-model diff g q4_0

# those that are kept, by either name
for k in '*.1.ffn_down*' '*.1.mlp.c_proj'; do
	tf-quantize -m "$M" -o "k$k" --type q4_0 --keep "$k" |
		jq -c '[.layers[].tensor]'
done
tf-quantize -m "$M" -o gpt2 --type q4_0 --keep '*' | jq -c .
tf-quantize -m "$M" -o gpt2 --type q4_0 --max-shard-size 1MB
ln -s "$SRC/tests/golden/decoders/bloom" bloom
tf-quantize -m bloom -o b --type q4_0
tf-quantize -m gpt2.gguf -o i --type int8
