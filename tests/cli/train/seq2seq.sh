# targets are learned by heart, judged by what is generated, and tf-generate
# gives them
cat > train.jsonl << END
{"source": "the film is good", "target": "good film"}
{"source": "the end was dull", "target": "dull end"}
{"translation": {"en": "he plays well", "xx": "well played"}}
END
cat > config.yaml << END
model: $SRC/tests/golden/decoders/t5
task: seq2seq
train_file: train.jsonl
validation_file: train.jsonl
source_lang: en
target_lang: xx
output_dir: out
max_steps: 250
learning_rate: 1e-2
logging_steps: 250
eval_strategy: steps
predict_with_generate: true
generation_max_length: 16
metric_for_best_model: rougeL
save_strategy: "no"
END
tf-train -q -t 1 config.yaml |
	jq -c 'select(.eval_loss) | [.eval_rouge1, .eval_rougeL, .eval_bleu_bp]'
tf-train -q -t 1 config.yaml model=out max_steps=1 logging_steps=1 learning_rate=0 \
	generation_num_beams=2 gradient_checkpointing=true output_dir=again |
	jq -c 'select(.eval_loss) | .eval_rougeL'
tf-train -q -t 1 config.yaml model=out max_steps=1 logging_steps=1 \
	learning_rate=0 output_dir=again metrics='[rougeL, gen_len]' |
	jq -c 'select(.eval_loss) | [.eval_rougeL, .eval_bleu]'
tf-train -q -t 1 config.yaml model=out max_steps=1 logging_steps=1 \
	learning_rate=0 output_dir=again metric_for_best_model=same \
	compute_metrics="jq -s '{same: map(select(.prediction == .reference)) | length}'" |
	jq -c 'select(.eval_loss) | .eval_same'
echo 'the end was dull' | tf-generate -m out --max-length 16 |
	jq -r .generated_text
jq -c .architectures out/config.json
ls out

tf-train -q config.yaml task=causal-lm predict_with_generate=false 2>&1 | sed 's/: .*: /: /'
tf-train -q config.yaml model=$SRC/tests/golden/decoders/gpt2 \
	tokenizer=$SRC/tests/golden/decoders/t5 2>&1 | sed 's/: .*: /: /'
