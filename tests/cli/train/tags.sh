# words with tags are learned by heart, and tf-tag reads the result
cat > train.jsonl << END
{"tokens": ["ada", "lovelace", "lives", "in", "london"], "ner_tags": ["B-PER", "I-PER", "O", "O", "B-LOC"]}
{"tokens": ["the", "film", "was", "made", "in", "new", "york"], "ner_tags": ["O", "O", "O", "O", "O", "B-LOC", "I-LOC"]}
{"tokens": ["grace", "hopper", "and", "ada", "met"], "ner_tags": ["B-PER", "I-PER", "O", "B-PER", "O"]}
END
cat > config.yaml << END
model: $SRC/tests/golden/models/bert-no-prefix
task: token-classification
train_file: train.jsonl
validation_file: train.jsonl
output_dir: out
max_steps: 150
learning_rate: 1e-2
per_device_train_batch_size: 3
eval_strategy: steps
eval_steps: 150
logging_steps: 150
save_strategy: "no"
END
tf-train -q -t 1 config.yaml |
	jq -c 'select(.eval_loss) | [.eval_f1, .eval_accuracy, .eval_number]'
echo 'grace hopper and ada met' | tf-tag -m out --aggregation first |
	jq -c '.entities[] | [.entity_group, .word]'
jq -c '[.architectures, .id2label, .problem_type]' out/config.json

# every token of a word, ids for names, and what is wrong
jq -c '.ner_tags |= map(if . == "O" then 0 else 1 end)' train.jsonl > ids.jsonl
tf-train -q -t 1 config.yaml train_file=ids.jsonl validation_file=ids.jsonl \
	label_all_tokens=true max_steps=1 eval_steps=1 |
	jq -c 'select(.eval_loss) | .eval_loss > 0'
jq -c .id2label out/config.json
echo '{"tokens": ["one", "two"], "ner_tags": [0]}' > short.jsonl
tf-train -q config.yaml train_file=short.jsonl
echo "$?"
tf-train -q config.yaml label_column=tokens train_file=ids.jsonl validation_file=train.jsonl labels='[x]'
echo "$?"
