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

# it can be gone on with: its settings, its head, and its labels in their order
sed '/^peft/d' config.yaml > more.yaml
set -- -q more.yaml max_steps=1 save_strategy=no logging_steps=1
tf-train "$@" output_dir=swapped learning_rate=0 labels='[good, bad]' \
	peft='{r: 4, lora_alpha: 8, lora_dropout: 0.1, use_dora: true}' > log
for a in adapter=out model=out adapter_name_or_path=swapped; do
	tf-train "$@" learning_rate=0 output_dir=more model= $a | jq -r '
		select(.loss) | .loss > 0'
	cmp -s out/adapter_model.safetensors more/adapter_model.safetensors &&
		echo "as it was"
	jq -c '[.r, .use_dora, .target_modules, .modules_to_save,
		.base_model_name_or_path]' more/adapter_config.json
	jq -c .id2label more/config.json
done
tf-train "$@" adapter=out peft='{r: 2}'
echo "$?"
tf-train "$@" adapter=bert
echo "$?"
ln -s "$SRC/tests/golden/models/distilbert" other
tf-train "$@" adapter=out model=other
echo "$?"
tf-train "$@" adapter=out labels='[good, bad, none]'
echo "$?"

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
