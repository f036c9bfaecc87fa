#!/usr/bin/env bash
# Installs the CloudWatch agent and has it ship the app's log.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

{{template "install-package"}}

ctl=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
if [[ ! -x $ctl ]]; then install_package amazon-cloudwatch-agent; fi
# Short of memory, the agent goes before the app.
mkdir -p /etc/systemd/system/amazon-cloudwatch-agent.service.d
printf '[Service]\nEnvironment=GOMEMLIMIT=96MiB\nOOMScoreAdjust=500\n' >/etc/systemd/system/amazon-cloudwatch-agent.service.d/memory.conf
systemctl daemon-reload
# The package made the user and the group cwagent.
chgrp -R cwagent /var/log/dossier
timeout 120 "$ctl" -a fetch-config -m ec2 -s -c file:/etc/dossier/agent.json
