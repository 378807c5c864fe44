/**
 * What accounts.toml holds before there is an account: how to write one, all of it in
 * comments. The file of that name at the top of the repository is this text.
 */

export const TEMPLATE = `# Accounts of an ftpx server. This file is made for reading and editing by hand.
#
# A running server takes a change over within a second, for live sessions too. When there
# is a mistake in the file it says so in its log, with line and column, and goes on with
# the last good version.
#
# The commands useradd, usermod, userdel and passwd change only the table of their account
# and leave everything else as it is, comments included. They write accounts as tables of
# the form below, and refuse to edit accounts that are written in another way.
#
# [users.ann]                # 1 to 32 of a-z 0-9 . _ - and a letter or digit first;
#                            # a name with a dot stands in quotes: [users."ann.b"]
#
# password = "argon2id-scram-sha256$m=19456,t=2,p=1$SALT$STOREDKEY$SERVERKEY"
#                            # made by "ftpx passwd ann". Nobody can sign in with it, but
#                            # a weak password can be guessed from it: keep this file
#                            # private. Absent: no sign-in by password.
#
# keys     = ["ssh-ed25519 AAAA... ann@laptop"]
#                            # public keys of OpenSSH, Ed25519 only, as "ftpx usermod ann
#                            # --add-key FILE.pub" adds them. Absent: none.
#
# quota    = "10 GiB"        # room for files; KiB MiB GiB TiB count in 1024s, kB MB GB TB
#                            # in 1000s, a plain number is bytes. Absent: the server's
#                            # default. When it is lowered nothing is deleted, but nothing
#                            # more fits.
#
# files    = 100000          # most files and directories. Absent: the server's default.
#
# access   = "full"          # full:        read, write and remove
#                            # read-only:   list and download
#                            # upload-only: upload and make directories, see nothing
#
# disabled = false           # true: no sign-in, and live sessions end. The files stay.
`;
