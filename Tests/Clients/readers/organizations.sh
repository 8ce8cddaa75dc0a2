# The organizations of a ledger, one a line: bash organizations.sh HOST:PORT [PREFIX:GEN]. Of a cluster any node.
set -euo pipefail
address=$1 ledger=${2:-odo:1}
cli() { local host=${1%:*}; redis-cli -h "${host:-${address%:*}}" -p "${1##*:}" "${@:2}"; }

masters=$(cli "$address" CLUSTER NODES | awk '$3 ~ /master/ && $3 !~ /fail/ { sub(/@.*/, "", $2); print $2 }')
for node in ${masters:-$address}; do cli "$node" --scan --pattern "$ledger:{*}:*:*"; done |
  awk -F: -v dir='{dir}' '$3 != dir && $4 !~ /^%(all|subjects)$/ { print $4 }' | sort -u |
  while IFS= read -r name; do name=${name//\\/\\\\}; printf '%b\n' "${name//%/\\x}"; done
