/** All peers, by kind; a new one is a file beside this and a line here. */
import { curl, lftp } from "./ftpclients.ts";
import { PYFTPDLIB, VSFTPD } from "./ftpservers.ts";
import { ftpxWith } from "./ftpx.ts";
import { rsync, sftp } from "./openssh.ts";

/** What aims are about, unless they say otherwise. */
export const OURS = ftpxWith("sha256");
export const OURS_FAST = ftpxWith("xxh128");

export const SFTP = sftp();
export const SFTP_GCM = sftp("aes128-gcm@openssh.com");
export const RSYNC = rsync();
/** These promise of a copy what ftpx does. */
export const SFTP_SYNCED = sftp(undefined, true);
export const RSYNC_SYNCED = rsync(true);

export const CURL_FTP = curl("ftp", VSFTPD);
export const CURL_FTPS = curl("ftps", VSFTPD);
export const LFTP_FTP = lftp("ftp", VSFTPD);
export const LFTP_FTPS = lftp("ftps", VSFTPD);

/**
 * Not curl over FTPS: it begins TLS on the second connection before it says what for, which
 * pyftpdlib 1.5.7 takes as an end.
 */
export const PYTHON_PEERS = [curl("ftp", PYFTPDLIB), lftp("ftps", PYFTPDLIB)];
