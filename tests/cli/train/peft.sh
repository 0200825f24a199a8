# an adapter alone is trained and saved; what is wrong with its settings is said
cat > train.jsonl << END
{"text": "a warm funny film", "label": "good"}
{"text": "dull and long", "label": "bad"}
{"text": "the best film", "label": "good"}
{"text": "no it is dull", "label": "bad"}
END
ln -s "$SRC/tests/golden/models/bert-no-prefix" bert
cat > config.yaml << END
model: bert
train_file: train.jsonl
output_dir: out
max_steps: 60
learning_rate: 1e-2
per_device_train_batch_size: 4
logging_steps: 60
save_steps: 40
peft: {r: 4, lora_alpha: 8, lora_dropout: 0.1, use_dora: true}
END
tf-train -q config.yaml > whole
ls out out/checkpoint-40
jq -c '[.peft_type, .task_type, .r, .target_modules, .modules_to_save]' \
	out/adapter_config.json
tf-classify -m out --only < train.jsonl | jq -r .label

# going on from its middle ends in the same adapter
cp out/adapter_model.safetensors whole.safetensors
tf-train -q config.yaml resume_from_checkpoint=out/checkpoint-40 > rest
cmp whole.safetensors out/adapter_model.safetensors

# over a GGUF
echo '{"text": "a film"}' > text.jsonl
tf-train -q config.yaml model="$SRC/tests/golden/gguf/llama.gguf" \
	task=causal-lm train_file=text.jsonl max_steps=2 save_strategy=no \
	peft='{target_modules: all-linear}' output_dir=gguf > log
ls gguf
echo 'a film' | tf-generate -m gguf --max-new-tokens 1 --only |
	jq '.output_ids | length'

for p in '{rank: 4}' '{r: 0}' '{task_type: CAUSAL_LM}' '{peft_type: IA3}' \
	'{target_modules: [nowhere]}' '{target_modules: "("}'; do
	tf-train -q config.yaml peft="$p"
	echo "$?"
done
