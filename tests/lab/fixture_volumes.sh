#!/bin/sh
# Every kind of volume and file system that lvm_facts must tell apart. Runs on a fresh lab host.
set -eux
loop() { truncate -s "$2" "/root/$1.img"; losetup --find --show "/root/$1.img"; }

pvcreate /dev/vdb /dev/vdc
vgcreate --addtag env=lab vg0 /dev/vdb /dev/vdc

lvcreate -y -L 2G -n data --addtag tier=1 --addtag foresight.ignore vg0 /dev/vdb
mkfs.ext4 -q -L data /dev/vg0/data
mkdir -p /srv/data /mnt/bind /mnt/second /mnt/ro
mount /dev/vg0/data /srv/data
mkdir /srv/data/sub
head -c 300M /dev/zero > /srv/data/file
mount --bind /srv/data/sub /mnt/bind
mount /dev/vg0/data /mnt/second

lvcreate -y -L 1G -n logs vg0 /dev/vdb
mkfs.xfs -q -L logs /dev/vg0/logs
mkdir -p /var/log/app && mount /dev/vg0/logs /var/log/app
head -c 50M /dev/zero > /var/log/app/file

lvcreate -y -L 256M -n web-data-01 vg0 /dev/vdb
mkfs.ext4 -q -L 'web d\xc3\xa4ta' /dev/vg0/web-data-01
mkdir -p '/srv/web data' && mount /dev/vg0/web-data-01 '/srv/web data'

lvcreate -y -L 256M -n archive vg0 /dev/vdb
mkfs.ext4 -q /dev/vg0/archive
lvcreate -y -L 64M -n readonly vg0 /dev/vdb
mkfs.ext2 -q /dev/vg0/readonly
mount -o ro /dev/vg0/readonly /mnt/ro
lvcreate -y -L 64M -n blank vg0 /dev/vdb
lvcreate -y -L 64M -n sleeping vg0 /dev/vdb
mkfs.ext4 -q /dev/vg0/sleeping
lvchange -an vg0/sleeping

lvcreate -y -L 1G --type thin-pool -n pool0 vg0 /dev/vdb
lvcreate -y -V 4G --thinpool pool0 -n thin1 vg0
mkfs.ext4 -q -E nodiscard /dev/vg0/thin1
mkdir -p /srv/thin1 && mount /dev/vg0/thin1 /srv/thin1
head -c 100M /dev/urandom > /srv/thin1/file
sync
lvcreate -y -s -n thin1_snap vg0/thin1
lvcreate -y -V 8G --thinpool pool0 -n vm-100-disk-0 vg0

lvcreate -y -s -L 256M -n data_snap vg0/data
head -c 20M /dev/urandom > /srv/data/after
sync

lvcreate -y --type raid1 -m1 -L 128M -n mirrored vg0
mkfs.xfs -q -f -m crc=0 /dev/vg0/mirrored || mkfs.ext4 -q /dev/vg0/mirrored
lvcreate -y -i2 -L 256M -n striped vg0
mkfs.ext4 -q /dev/vg0/striped
lvcreate -y -L 256M -n cached vg0 /dev/vdb
lvcreate -y --type cache-pool -L 64M -n fast vg0 /dev/vdc
lvconvert -y --type cache --cachepool vg0/fast vg0/cached
mkfs.ext4 -q /dev/vg0/cached

lvcreate -y -L 128M -n secret vg0 /dev/vdb
printf secret | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/vg0/secret -
printf secret | cryptsetup open /dev/vg0/secret secret-plain -d -
mkfs.ext4 -q /dev/mapper/secret-plain
mkdir -p /srv/secret && mount /dev/mapper/secret-plain /srv/secret
lvcreate -y -L 64M -n locked vg0 /dev/vdb
printf secret | cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 /dev/vg0/locked -

lvcreate -y -L 64M -n swap0 vg0 /dev/vdb
mkswap /dev/vg0/swap0
swapon /dev/vg0/swap0
lvcreate -y -L 256M -n btr vg0 /dev/vdb
mkfs.btrfs -q /dev/vg0/btr
mkdir -p /srv/btr && mount /dev/vg0/btr /srv/btr
btrfs subvolume create /srv/btr/vol
mkdir -p /srv/btrvol && mount -o subvol=vol /dev/vg0/btr /srv/btrvol
lvcreate -y -L 128M -n flash vg0 /dev/vdb
mkfs.f2fs -q /dev/vg0/flash
mkdir -p /srv/flash && mount /dev/vg0/flash /srv/flash
lvcreate -y -L 128M -n boot vg0 /dev/vdb
mkfs.vfat -F 32 /dev/vg0/boot
mkdir -p /srv/boot && mount /dev/vg0/boot /srv/boot
lvcreate -y -L 256M -n vm-101-disk-0 vg0 /dev/vdb
printf 'label: gpt\nsize=64M\nsize=64M\n' | sfdisk -q /dev/vg0/vm-101-disk-0

# A group with hyphens, one that is exported, one that lacks a disk, one of another system.
first=$(loop hyphen 128M)
vgcreate data-vg "$first"
lvcreate -y -L 32M -n lv-a--b data-vg
mkfs.ext4 -q /dev/data-vg/lv-a--b
mkdir -p /srv/hyphen && mount /dev/data-vg/lv-a--b /srv/hyphen
out=$(loop out 64M)
vgcreate vgout "$out"
lvcreate -y -an -Zn -L 16M -n moved vgout
vgchange -an vgout
vgexport vgout
here=$(loop here 64M)
gone=$(loop gone 64M)
vgcreate vgpart "$here" "$gone"
lvcreate -y -Wn -L 8M -n whole vgpart "$here"
lvcreate -y -Wn -L 80M -n torn vgpart
vgchange -an vgpart
losetup -d "$gone"
foreign=$(loop foreign 64M)
vgcreate vgforeign "$foreign"
lvcreate -y -an -Zn -L 16M -n theirs vgforeign
vgchange -an vgforeign
vgchange -y --config 'global/system_id_source="none"' --systemid elsewhere vgforeign || vgchange -y --systemid elsewhere vgforeign
udevadm settle
