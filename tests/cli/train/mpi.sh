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
	mpirun -n "$n" tf-train -q -t 1 config.yaml "$@"
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
