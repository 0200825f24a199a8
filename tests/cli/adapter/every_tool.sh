# --adapter in the tools that read a model; its base is the default model
A=tests/golden/adapters
cd "$SRC" || exit 2
{
	printf 'a warm funny film\ndull and long\n' |
		tf-classify --adapter $A/bert --top-k 0 --only
	echo 'a warm funny film' | tf-classify -m $A/bert --only
	echo 'a warm film' | tf-tag --adapter $A/bert-tokens --only
	echo 'a warm film' |
		tf-embed --adapter $A/gpt2 -m tests/golden/decoders/gpt2 --only
	for m in decoders/llama gguf/llama.gguf; do
		echo '{"input_ids": [2, 7, 5, 11]}' |
			tf-generate -m tests/golden/$m --adapter $A/llama \
				--max-new-tokens 4 --only
	done
} | tests/cli/round
