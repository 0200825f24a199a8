# the example of a loop of one's own: the losses and the model of tf-train
for i in 1 2 3 4 5 6; do
	echo "a warm and funny film $i,good"
	echo "dull and long $i,bad"
done | sed '1i text,label' > train.csv
model=$SRC/tests/golden/models/bert-no-prefix
custom_loop "$model" train.csv mine > mine.jsonl
tf-train -q /dev/null model="$model" train_file=train.csv output_dir=theirs \
	weight_decay=0.01 warmup_steps=2 max_length=128 max_grad_norm=0 \
	logging_steps=1 save_strategy=no > theirs.jsonl
jq -cs 'map(select(.loss)) | group_by(.step) |
	map((.[0].loss - .[1].loss | fabs) < 1e-5)' mine.jsonl theirs.jsonl
tf-model diff mine theirs && echo the same
printf 'a film\n' | tf-classify -m mine | jq '.label | length > 2'
custom_loop "$model" nothing.csv out
