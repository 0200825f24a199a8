# a model from nothing learns what follows what, and tf-generate reads it
cat > config.json << END
{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 32,
 "n_layer": 2, "n_head": 2, "n_positions": 32, "vocab_size": 260,
 "bos_token_id": null, "eos_token_id": null}
END
cat > train.jsonl << END
{"text": "the film was good and the end was good"}
{"text": "a long film and a dull one"}
END
cat > config.yaml << END
config: config.json
tokenizer: $SRC/tests/golden/models/bert-no-prefix
task: causal-lm
train_file: train.jsonl
validation_file: train.jsonl
output_dir: out
max_steps: 60
learning_rate: 1e-2
logging_steps: 60
eval_strategy: steps
save_strategy: "no"
END
tf-train -q -t 1 config.yaml | jq -c 'select(.eval_loss) | .eval_loss < 0.5'
tf-generate -m out --prompt 'a long film' --max-new-tokens 2 |
	jq -c '.output_ids | length'
jq -c .architectures out/config.json

# the seed makes the numbers
tf-train -q -t 1 config.yaml max_steps=1 logging_steps=1 output_dir=a |
	jq -c 'select(.loss)' > a.log
tf-train -q -t 1 config.yaml max_steps=1 logging_steps=1 output_dir=b |
	jq -c 'select(.loss)' > b.log
cmp a.log b.log
cmp a/model.safetensors b/model.safetensors

tf-train -q config.yaml model=out
echo "$?"
