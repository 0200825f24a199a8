# Folders to GGUF: the tensors that llama.cpp's converter writes, which a model
# made of them again computes with as before
G=$SRC/tests/golden
printf 'The film was good, and\nI love this movie.\n' > in
for m in llama qwen3 gemma gpt2; do
	tf-model convert -m $G/decoders/$m -o $m.gguf | jq -c '[.tensors, .files]'
	tf-model diff $m.gguf $G/gguf/$m.gguf && echo same
done
for m in mistral qwen2 gemma2 gemma3 llama-biases llama-llama3 llama-linear \
	llama-yarn mixtral; do
	tf-model convert -m $G/decoders/$m -o $m.gguf --dtype f32 > log || cat log
	tf-model convert -m $m.gguf -o back-$m > log || cat log
	tf-tokenize -m $G/decoders/$m < in > want
	tf-tokenize -m $m.gguf < in > found
	tf-tokenize -m back-$m < in | cmp - found && cmp want found
	tf-generate -m $G/decoders/$m --max-new-tokens 12 < in > want
	tf-generate -m $m.gguf --max-new-tokens 12 < in > found
	tf-generate -m back-$m --max-new-tokens 12 < in | cmp - found &&
		cmp want found && echo $m
done
# what ends a text is known, too
jq '.eos_token_id = 77' $G/decoders/gpt2/config.json > c
cp -r $G/decoders/gpt2 ends && chmod -R u+w ends && cp c ends/config.json
rm -f ends/generation_config.json
jq 'del(.eos_token)' $G/decoders/gpt2/tokenizer_config.json > ends/tokenizer_config.json
tf-model convert -m ends -o ends.gguf > log
tf-generate -m ends.gguf --prompt x --max-new-tokens 1 | jq -c .output_ids
tf-model convert -m ends.gguf -o back-ends > log
jq -c .eos_token_id back-ends/config.json
# a model without a tokenizer
mkdir bare && cp $G/decoders/gpt2/config.json $G/decoders/gpt2/model.safetensors bare
tf-model convert -m bare -o bare.gguf | jq -c .tensors
tf-model convert -m bare.gguf -o back-bare | jq -c .tensors
ls back-bare
tf-model convert -m $G/models/bert -o bert.gguf | jq -c '[.tensors, .dropped]'
tf-embed -m $G/models/bert < in > want
tf-embed -m bert.gguf < in | cmp - want && echo bert

for t in f16 bf16 q8_0; do
	tf-model convert -m $G/decoders/gpt2 -o $t.gguf --dtype $t | jq -c .bytes
	tf-model info -m $t.gguf | jq -c .bytes
done
tf-model convert -m q8_0.gguf -o again.gguf | jq -c .bytes
tf-model diff q8_0.gguf again.gguf && echo same

ln -s $G/decoders/* .
tf-model convert -m gpt2 -o f16.gguf
tf-model convert -m t5 -o t5.gguf
jq '.num_key_value_heads = 3' llama/config.json > bare/config.json
cp llama/model.safetensors bare/
tf-model convert -m bare -o wrong.gguf
tf-model convert -m llama-dynamic -o dynamic.gguf
tf-model convert -m gpt2 -o folder --dtype q8_0
