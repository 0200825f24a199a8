for shell in bash zsh fish; do
    echo "# $shell"
    tf-measure --completion $shell
done
tf-measure --completion csh
