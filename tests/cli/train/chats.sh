# replies are learned by heart, alone
cp -R $SRC/tests/golden/decoders/qwen3 base && chmod -R u+w base
cat > base/chat_template.jinja <<'END'
{% for m in messages %}<{{ m.role }}>{{ m.content }}<|endoftext|>{% endfor %}
{% if add_generation_prompt %}<assistant>{% endif %}
END
cat > train.jsonl << END
{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "good day"}, {"role": "user", "content": "bye"}, {"role": "assistant", "content": "see you"}]}
{"messages": [{"role": "user", "content": "who"}, {"role": "assistant", "content": "a model"}]}
END
cat > config.yaml << END
model: base
task: causal-lm
train_file: train.jsonl
validation_file: train.jsonl
output_dir: out
max_steps: 120
learning_rate: 1e-2
logging_steps: 120
eval_strategy: steps
save_strategy: "no"
END
tf-train -q -t 1 config.yaml | jq -c 'select(.eval_loss) | .eval_loss < 0.05'
echo '{"messages": [{"role": "user", "content": "who"}]}' |
	tf-generate --chat -m out --max-new-tokens 6 | jq -r .generated_text

# the questions' tokens count when they shall
tf-train -q -t 1 config.yaml model=out learning_rate=0 max_steps=1 \
	logging_steps=1 assistant_only_loss=false output_dir=all |
	jq -c 'select(.eval_loss) | .eval_loss > 0.2'

echo '{"messages": [{"role": "user", "content": "who"}]}' > none.jsonl
tf-train -q config.yaml train_file=none.jsonl
echo "$?"
echo '{"messages": 1}' > none.jsonl
tf-train -q config.yaml train_file=none.jsonl
rm base/chat_template.jinja
tf-train -q config.yaml
