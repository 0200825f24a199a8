# other types, several files, and what can't be done
m=$SRC/tests/golden/models/bert
tf-model convert -m $m -o half --dtype bf16
jq -r .torch_dtype half/config.json
tf-model diff $m half | jq -s -c '[length, (map(.dtype) | unique), (map(.max_abs_diff < 0.01) | all)]'
tf-model convert -m half -o again --dtype f32 | jq -c .bytes
tf-model diff half again | jq -s -c '[length, (map(.different) | add)]'
tf-model convert -m $m -o cut --max-shard-size 40kb | jq -c '[.files, .bytes]'
ls cut | grep model
jq -c '[.metadata.total_size, (.weight_map | length)]' cut/model.safetensors.index.json
tf-model diff cut $m && echo same
tf-model convert -m $m -o half; echo $?
tf-model convert -m $m -o other --max-shard-size 5XB; echo $?
tf-model convert -m $m; echo $?
cp -R $m q && jq -c '. + {quantization_config: {}}' $m/config.json > q/config.json
tf-model convert -m q -o other --dtype f16; echo $?
printf 'not weights' > w.bin
tf-model convert -m w.bin -o other 2> /dev/null; echo $?
ls -d other 2>&1
