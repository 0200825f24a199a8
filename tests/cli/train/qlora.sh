# an adapter over a quantised model learns as over what its blocks unpack to,
# and works over both
cat > config.json << END
{"model_type": "llama", "architectures": ["LlamaForCausalLM"],
 "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 260,
 "max_position_embeddings": 64, "bos_token_id": null, "eos_token_id": null}
END
cat > train.jsonl << END
{"text": "the film was good and the end was good"}
{"text": "a long film and a dull one"}
END
cat > config.yaml << END
task: causal-lm
tokenizer: $SRC/tests/golden/models/bert-no-prefix
train_file: train.jsonl
max_steps: 60
learning_rate: 1e-2
logging_steps: 20
save_strategy: "no"
END
tf-train -q config.yaml config=config.json output_dir=base max_steps=1 > log
tf-model convert -m base -o base.gguf --dtype q8_0 | jq .tensors
tf-model convert -m base.gguf -o wide > log
tf-quantize -q -m base -o int8 --type int8 > log
for m in base.gguf wide int8; do
	tf-train -q config.yaml model=$m output_dir=over.$m \
		peft='{r: 8, use_dora: true, target_modules: all-linear}' |
		jq -cn '[inputs | .loss | select(.)]' | tee -a losses |
		jq '.[1] < .[0] - 0.2 and .[2] < .[1] - 0.02'
done
jq -s 'transpose | map(max - min < 0.05) | all' losses

# the same numbers, but for activations that are rounded to int8 over blocks
ask() {
	echo '{"input_ids": [129, 145, 186]}' |
		tf-generate "$@" --max-new-tokens 1 --only --logprobs |
		jq -c '.token_logprobs[0]'
}
differ() {
	jq -n --argjson a "$1" --argjson b "$2" '$a - $b | fabs > 0.005'
}
differ "$(ask -m over.base.gguf)" "$(ask -m wide --adapter over.base.gguf)"
differ "$(ask -m over.base.gguf)" "$(ask -m wide)"

# but nothing can be merged into int8
tf-model merge -m int8 --adapter over.int8 -o merged
echo "$?"
