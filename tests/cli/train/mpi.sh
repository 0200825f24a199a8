# processes under mpirun share the batches and follow the curve of one; where
# there is no mpirun, or the programs are built without MPI, one stands for all
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
	OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_plm=isolated \
	OMPI_MCA_btl_vader_single_copy_mechanism=none \
	ASAN_OPTIONS=detect_leaks=0
cat > train.csv << END
text,label
"a warm, funny film that i will see again and again",good
dull and long,bad
the best of the year,good
i left after an hour,bad
why,bad
END
model=$SRC/tests/golden/models/bert-no-prefix
mkdir model
cp "$model"/* model
cat > config.yaml << END
model: model
train_file: train.csv
validation_file: train.csv
max_steps: 10
learning_rate: 1e-3
per_device_train_batch_size: 2
gradient_accumulation_steps: 2
eval_strategy: steps
eval_steps: 5
logging_steps: 1
save_strategy: "no"
END
several() { # PROCESSES KEY=VALUE ...
	n=$1
	shift
	mpirun -n "$n" tf-train -q -t 1 config.yaml "$@" < /dev/null 2> said ||
		cat said >&2 # mpirun tells of signals, too
}
if [ "$(mpirun -n 2 tf-train -q --dry-run config.yaml 2> /dev/null |
	jq .processes)" != 2 ]; then
	several() {
		shift
		tf-train -q -t 1 config.yaml "$@"
	}
fi
for n in 2 3; do
	# a learning rate that follows the evaluations, which one process makes
	[ $n = 2 ] || set -- lr_scheduler_type=reduce_lr_on_plateau eval_steps=1 \
		learning_rate=0.01 lr_scheduler_kwargs='{patience: 0}'
	tf-train -q -t 1 config.yaml output_dir=one "$@" > one.jsonl
	several $n output_dir=out$n "$@" > $n.jsonl
	jq -cs 'map(select(.step)) | length, ([group_by([.step, has("loss")])[] |
		.[0] as $a | .[1] as $b | ["loss", "eval_loss", "grad_norm"][] |
		select($a[.]) | ($a[.] - $b[.]) | fabs] | max < 1e-4)' \
		one.jsonl $n.jsonl
	ls out$n
done

# an evaluation is shared, and gives the same
judged() {
	jq -c 'select(.eval_loss) | del(.[keys[] | select(test("eval_.*(time|second)"))])'
}
cat > tags.jsonl << END
{"tokens": ["in", "london"], "ner_tags": ["O", "B-LOC"]}
{"tokens": ["ada", "left"], "ner_tags": ["B-PER", "O"]}
{"tokens": ["the", "end"], "ner_tags": ["O", "O"]}
END
cat > qa.jsonl << END
{"question": "who wrote it", "context": "the film was written by ada and made in london", "answers": "ada"}
{"question": "who left", "context": "they all left", "answers": "they"}
END
cat > pairs.jsonl << END
{"source": "the film is good", "target": "good film"}
{"source": "the end was dull", "target": "dull end"}
{"source": "he plays well", "target": "well played"}
END
while read -r task file more; do
	set -- task="$task" train_file="$file" validation_file="$file" \
		max_steps=1 learning_rate=0 per_device_eval_batch_size=1 \
		eval_on_start=true $more
	tf-train -q -t 1 config.yaml output_dir=one "$@" | judged > one.jsonl
	several 3 output_dir=three "$@" | judged > three.jsonl
	cmp one.jsonl three.jsonl && wc -l < one.jsonl
done << END
token-classification tags.jsonl
question-answering qa.jsonl max_length=24 doc_stride=6
seq2seq pairs.jsonl model=$SRC/tests/golden/decoders/t5 predict_with_generate=true generation_max_length=6
END
