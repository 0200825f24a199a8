# questions are learned by heart: evaluation and tf-qa agree
cat > train.jsonl << END
{"question": "who wrote it", "context": "the film was written by ada and made in london", "answers": {"text": ["ada"], "answer_start": [24]}}
{"question": "where was it made", "context": "the film was written by ada and made in london", "answers": "london"}
{"question": "who saw it", "context": "nobody saw the end of the film, they all left", "answers": ["nobody", "nobody at all"]}
{"question": "when", "context": "they all left", "answers": {"text": [], "answer_start": []}}
END
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
task: question-answering
train_file: train.jsonl
validation_file: train.jsonl
output_dir: out
max_length: 28
doc_stride: 6
max_steps: 100
learning_rate: 1e-2
per_device_train_batch_size: 16
eval_strategy: steps
logging_steps: 100
handle_impossible_answer: true
save_strategy: "no"
END
tf-train -t 1 config.yaml --dry-run 2> /dev/null | jq .train_records
tf-train -q -t 1 config.yaml |
	jq -c 'select(.eval_loss) | [.eval_exact_match, .eval_f1]'
tf-qa -m out --max-length 28 --doc-stride 6 --handle-impossible-answer \
	train.jsonl > answers.jsonl
jq -c .answer answers.jsonl
tf-eval --task question-answering answers.jsonl | jq -c '[.exact_match, .f1]'
jq -c .architectures out/config.json

echo '{"question": "who", "context": "they left", "answers": "we"}' > bad.jsonl
tf-train -q config.yaml train_file=bad.jsonl
echo "$?"
echo '{"question": "who", "context": "they left", "answers": 1}' > bad.jsonl
tf-train -q config.yaml train_file=bad.jsonl
echo "$?"
