/** Replies to FEAT as the programs gave them; `\n` stands for CRLF. */
export const FEAT = {
  proftpd: `211-Features:
 AUTH TLS
 CCC
 CLNT
 CSID
 EPRT
 EPSV
 HASH CRC32;MD5;SHA-1*;SHA-256;SHA-512;
 HOST
 LANG C.UTF-8*
 MD5
 MDTM
 MFF modify;UNIX.group;UNIX.mode;
 MFMT
 MLST modify*;perm*;size*;type*;unique*;UNIX.group*;UNIX.groupname*;UNIX.mode*;UNIX.owner*;UNIX.ownername*;
 PBSZ
 PROT
 RANG STREAM
 REST STREAM
 SIZE
 SSCN
 TVFS
 UTF8
 XCRC
 XMD5
 XSHA
 XSHA1
 XSHA256
 XSHA512
211 End`,
  pureftpd: `211-Extensions supported:
 UTF8
 EPRT
 IDLE
 MDTM
 SIZE
 MFMT
 REST STREAM
 MLST type*;size*;sizd*;modify*;UNIX.mode*;UNIX.uid*;UNIX.gid*;unique*;
 MLSD
 PRET
 AUTH TLS
 PBSZ
 PROT
 TVFS
 ESTA
 PASV
 EPSV
 ESTP
211 End.`,
  vsftpd: `211-Features:
 AUTH TLS
 EPRT
 EPSV
 MDTM
 PASV
 PBSZ
 PROT
 REST STREAM
 SIZE
 TVFS
211 End`,
  pyftpdlib: `211-Features supported:
 AUTH SSL
 AUTH TLS
 EPRT
 EPSV
 MDTM
 MFMT
 MLST type*;perm*;size*;modify*;unique*;unix.mode;unix.uid;unix.gid;
 PBSZ
 PROT
 REST STREAM
 SIZE
 TVFS
 UTF8
211 End FEAT.`,
  inetutils: `211- Supported extensions:
 MDTM
 SIZE
 REST STREAM
 EPRT
 EPSV
 LPRT
 LPSV
211 End`,
  gridftp: `211-Extensions supported
 CKSM MD5:10;ADLER32:10;SHA1:10;SHA256:11;SHA512:12;
 DSI file-13.24
 DCSC P,D
 MFMT
 MLSR
 MLSC
 UTF8
 LANG EN
 DCAU
 PARALLEL
 SIZE
 MLST Type*;Size*;Modify*;Perm*;Charset;UNIX.mode*;UNIX.owner*;Unique*;UNIX.slink*;X.count;
 ERET
 ESTO
 SPAS
 SPOR
 REST STREAM
 MDTM
 PASV AllowDelayed;
211 End.`,
} as const;
