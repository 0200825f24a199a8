# the picture of a run: lines, marks and names, and what has none
cat > trainer_state.json << END
{"best_global_step": 20, "log_history": [
 {"step": 10, "loss": 0.7, "learning_rate": 1e-4, "grad_norm": 1},
 {"step": 10, "eval_loss": 0.68, "eval_accuracy": 0.5, "eval_runtime": 3,
  "eval_<odd&>": 40, "eval_f1_micro": 0.5},
 {"step": 20, "loss": 0.5, "learning_rate": 5e-5},
 {"step": 20, "eval_loss": 0.52, "eval_accuracy": 0.75, "eval_<odd&>": 45},
 {"step": 30, "loss": null, "learning_rate": 0.0},
 {"step": 30, "eval_loss": 0.55, "eval_accuracy": 0.7, "eval_<odd&>": 44},
 {"step": 30, "train_runtime": 1.5, "train_loss": 0.6}]}
END
look() {
	python3 -c '
import sys, xml.etree.ElementTree as tree
for e in tree.parse(sys.stdin).getroot():
    kind = e.tag.split("}")[1]
    if kind == "polyline":
        print(e.get("stroke"), e.get("points"))
    elif kind == "circle":
        print(e.get("cx"), e.get("cy"))
    elif kind == "text":
        print("".join(e.itertext()))'
}
tf-train --plot - trainer_state.json | look
mkdir -p run/checkpoint-5 run/checkpoint-30 empty
cp trainer_state.json run/checkpoint-30
tf-train --plot run.svg run && look < run.svg | sed -n 1p
tf-train --plot out.svg empty
echo '{"log_history": []}' > empty.json
tf-train --plot out.svg empty.json
tf-train --plot out.svg
ls
