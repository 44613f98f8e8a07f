#!/usr/bin/env bash
# Trains on all GPUs of several hosts under SLURM: sbatch examples/slurm_train.sh WORKDIR [FLAG ..]
# Submit it from the root of the checkout; WORKDIR, the checkout and the data must lie where all hosts see them. A job
# that reaches its time limit has saved its state 5 minutes before: submit it again, and the run continues.
#SBATCH --job-name=sisrnn
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue
set -euo pipefail

workdir="${1:?the folder of the run}"
shift

# One process a host takes all of its GPUs. On the loss of one all of them exit, and start again together from the last
# checkpoint: SLURM kills what is left, and this loop starts anew, at most 5 times.
for attempt in 1 2 3 4 5; do
    if srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" python -m launch.train \
        --workdir="$workdir" --strategy=multi_worker --save_every_steps=500 "$@"; then
        exit 0
    fi
    echo "Attempt $attempt ended with an error." >&2
    sleep 30 # for the ports to be free, and for a host that went down to be noticed
done
exit 1
