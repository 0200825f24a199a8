# GGUF to the folder that it was made from: names, the order of rotary pairs,
# Gemma's norms, GPT-2's turned matrices
G=$SRC/tests/golden
printf 'The film was good, and\nI love this movie.\n' > in
for m in llama qwen3 gemma gpt2; do
	type=auto
	[ $m = llama ] || [ $m = gpt2 ] || type=bf16
	tf-model convert -m $G/gguf/$m.gguf -o $m --dtype $type | jq -c '[.tensors, .bytes]'
	tf-model diff $m $G/decoders/$m && echo same
	tf-eval --task lm -m $G/decoders/$m < in > want
	tf-eval --task lm -m $m < in > found
	cmp want found
done
tf-model info -m $G/gguf/llama.gguf | jq -c '[.architecture, .license, .tokenizer.model]'
jq -c '[.model_type, .num_hidden_layers, .torch_dtype]' qwen3/config.json
