# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How modules reach a Proxmox VE cluster. Names and environment variables are those of community.proxmox, so one credential serves both."""

    DOCUMENTATION = r"""
options:
  api_host:
    description:
      - Nodes of the cluster, each a name or address, with a port where it has one of its own (C(pve1:8443)). Any one answers for all; when it
        does not, the next is asked.
      - A text is split at commas. E(PROXMOX_HOST) is used where it is not set.
    type: list
    elements: str
    required: true
  api_port:
    description: Port of the API, 8006 if not set. E(PROXMOX_PORT) is used where it is not set.
    type: int
  api_user:
    description:
      - User with its realm, such as V(foresight@pve). E(PROXMOX_USER) is used where it is not set.
      - Not needed where O(api_token_id) names it.
    type: str
  api_password:
    description:
      - Password of the user. A token is better, it can be withdrawn and needs no login. E(PROXMOX_PASSWORD) is used where it is not set.
      - Not used where there is a token.
    type: str
  api_otp:
    description: One-time password of the user. E(PROXMOX_OTP) is used where it is not set.
    type: str
  api_token_id:
    description: Name of the token, or V(USER@REALM!NAME). E(PROXMOX_TOKEN_ID) is used where it is not set.
    type: str
  api_token_secret:
    description: Secret of the token. E(PROXMOX_TOKEN_SECRET) is used where it is not set.
    type: str
  ca_path:
    description:
      - File with the CA that signed the nodes' certificates, on the machine that runs the module; on a cluster it is C(/etc/pve/pve-root-ca.pem).
        The system's CAs if not set.
      - E(PROXMOX_CA_PATH) is used where it is not set.
    type: path
  validate_certs:
    description: Whether certificates are checked. E(PROXMOX_VALIDATE_CERTS) is used where it is not set.
    type: bool
    default: true
  api_timeout:
    description:
      - Seconds to wait for an answer; for a connection the same, but at most 10. E(PROXMOX_API_TIMEOUT) is used where it is not set.
    type: float
    default: 30
  max_retries:
    description:
      - How many more rounds a read gets when no node answered or the answer may be another next time.
      - A change is not made again before the state has been read back and shows that it was not made.
    type: int
    default: 3
  retry_delay:
    description: Seconds before the second round; each further round waits twice as long, at most 30 seconds.
    type: float
    default: 1.0
requirements:
  - proxmoxer >= 2.0
  - requests
"""
