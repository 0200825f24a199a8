echo a > a
echo b > b
mkdir folder
tf-measure a missing folder b
