import type { CommandRule } from '../rule.js';

/**
 * Programs that take a secret as an argument, and where. Long flags with telling names
 * (`--password`) need no row.
 */
export const commandLineRules: readonly CommandRule[] = [
  {
    programs: words(
      'mysql mariadb mysqldump mysqladmin mysqlimport mariadb-dump mariadb-admin mysqlcheck mysqlshow mysqlsh mysqlpump mycli ' +
        'xtrabackup mydumper',
    ),
    joined: ['-p'],
    source: 'MySQL and MariaDB manuals',
    example: 'mysqldump -u root -p⟦<password>⟧ app',
  },
  {
    programs: words(
      'mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop cqlsh cypher-shell couchbase-cli cbq ' +
        'rabbitmqadmin hdbsql surreal beeline vsql trino influx arangosh nexus3 kcadm.sh',
    ),
    flags: ['-p', '-w', '-password', '--pass', '-token', '--server.password'],
    source:
      'command line references of MongoDB, Cassandra, Neo4j, Couchbase, RabbitMQ, SAP HANA, SurrealDB, Vertica',
    example: 'mongosh -u root -p ⟦<password>⟧ --host db',
  },
  {
    programs: words('redis-cli valkey-cli keydb-cli redis-benchmark'),
    flags: ['-a', '--pass'],
    joined: ['-a'],
    source: 'Redis command line reference',
    example: 'redis-cli -h cache -a ⟦<password>⟧ ping',
  },
  {
    programs: words('sqlcmd bcp osql tsql fisql mssql-cli isql'),
    flags: ['-P'],
    joined: ['-P'],
    source: 'Microsoft SQL Server and FreeTDS manuals',
    example: 'sqlcmd -S db -U sa -P ⟦<password>⟧ -Q 1',
  },
  {
    programs: words('sqlplus sqlldr impdp expdp rman'),
    arguments: [0],
    separators: '/',
    source: 'Oracle Database utilities',
    example: 'sqlplus -s app/⟦<password>⟧@db',
  },
  {
    programs: words(
      'ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop ldappasswd slappasswd',
    ),
    flags: ['-w', '-s', '-a'],
    source: 'OpenLDAP manual',
    example: 'ldapsearch -D cn=admin -w ⟦<password>⟧ -b dc=example',
  },
  {
    kind: 'curl-user-password',
    programs: [
      ...words('curl wget siege wrk aria2c etcdctl chisel ncat'),
      ...['http ', 'https ', 'xh ', 'xhs ', 'ab ', 'hey -'],
    ],
    pairs: [
      '-u',
      '--user',
      '-U',
      '--proxy-user',
      '--auth',
      '-a',
      '-A',
      '--proxy-auth',
      '-E',
      '--cert',
    ],
    joined: ['--pass', '--key-passwd'],
    joinedPairs: ['-u'],
    source: 'gitleaks curl-auth-user; curl, HTTPie, ApacheBench and etcd manuals',
    example: 'curl -X POST -u deploy:⟦<password>⟧ https://example.org',
  },
  {
    programs: ['ansible-vault encrypt_string'],
    arguments: [0],
    source: 'Ansible documentation, ansible-vault',
    example: 'ansible-vault encrypt_string ⟦<password>⟧ --name db_password',
  },
  {
    programs: words('smbclient smbget smbcacls rpcclient winexe smbmap'),
    pairs: ['-U', '--user'],
    flags: ['-p'],
    separators: '%',
    source: 'Samba manual',
    example: 'smbclient -U app%⟦<password>⟧ //files/share',
  },
  {
    programs: ['lftp', 'ncftp', 'ncftpput', 'ncftpget'],
    pairs: ['-u'],
    flags: ['-p'],
    separators: ',',
    source: 'lftp and NcFTP manuals',
    example: 'lftp -u app,⟦<password>⟧ files.example.org',
  },
  {
    programs: words('sshpass plink pscp psftp putty x11vnc'),
    flags: ['-p', '-pw', '-passwd'],
    joined: ['-p'],
    source: 'sshpass, PuTTY and x11vnc manuals',
    example: 'sshpass -p ⟦<password>⟧ ssh host',
  },
  {
    programs: ['ssh-keygen'],
    flags: ['-N', '-P'],
    source: 'ssh-keygen(1)',
    example: "ssh-keygen -t ed25519 -N '⟦<password>⟧' -f key",
  },
  {
    programs: ['openssl'],
    flags: ['-k', '-pass', '-passin', '-passout', '-hmac'],
    prefix: /^(?:pass|hexkey|key):/,
    source: 'OpenSSL manual, pass phrase options',
    example: 'openssl enc -aes-256-cbc -pass pass:⟦<password>⟧ -in a',
  },
  {
    programs: ['zip ', 'unzip', 'zipcloak', 'funzip', 'zipnote'],
    flags: ['-P', '--password'],
    joined: ['-P'],
    source: 'Info-ZIP manual',
    example: 'unzip -P ⟦<password>⟧ backup.zip',
  },
  {
    programs: ['7z ', '7za', '7zz', '7zr', 'rar ', 'unrar', 'unar', 'lsar'],
    joined: ['-p', '-hp'],
    source: '7-Zip and RAR manuals',
    example: '7z x -p⟦<password>⟧ backup.7z',
  },
  {
    programs: words('pdftotext pdftoppm pdfimages pdfinfo pdftohtml pdfunite qpdf pdftk'),
    flags: ['-upw', '-opw', 'input_pw', 'user_pw', 'owner_pw'],
    source: 'Poppler and PDFtk manuals',
    example: 'pdftotext -upw ⟦<password>⟧ report.pdf',
  },
  {
    programs: words('keytool jarsigner apksigner jarsign'),
    flags: [
      ...[
        '-storepass',
        '-keypass',
        '-srcstorepass',
        '-deststorepass',
        '-srckeypass',
        '-destkeypass',
      ],
      ...['-new', '--ks-pass', '--key-pass'],
    ],
    prefix: /^pass:/,
    source: 'Java keytool and Android apksigner references',
    example: 'keytool -list -keystore ks -storepass ⟦<password>⟧',
  },
  {
    programs: [
      ...[
        'unlock-keychain',
        'create-keychain',
        'set-key-partition-list',
        'add-generic-password',
      ].map((name) => `security ${name}`),
      ...['security add-internet-password', 'security import', 'security set-keychain-password'],
      ...['xcrun altool', 'altool', 'notarytool'],
    ],
    flags: ['-p', '-P', '-k', '-w', '-o'],
    source: 'macOS security(1), altool',
    example: 'security unlock-keychain -p ⟦<password>⟧ build.keychain',
  },
  {
    programs: words(
      'ipmitool ipmiutil ipmi-power ipmi-sensors ipmiconsole racadm fence_ipmilan fence_idrac redfishtool ilorest esxcli ' +
        'snmpwalk snmpget snmpset snmpbulkwalk',
    ),
    flags: ['-P', '-p', '-A', '-X'],
    source: 'ipmitool(1), racadm, fence-agents, Net-SNMP manuals',
    example: 'ipmitool -H bmc -U root -P ⟦<password>⟧ sol activate',
  },
  {
    programs: words('aescrypt ccrypt steghide outguess stegseek'),
    flags: ['-p', '-K', '-k'],
    source: 'manuals of AES Crypt, ccrypt and steghide',
    example: 'steghide extract -sf a.jpg -p ⟦<password>⟧',
  },
  {
    programs: ['jenkins-cli.jar'],
    pairs: ['-auth'],
    source: 'Jenkins documentation, CLI',
    example: 'java -jar jenkins-cli.jar -auth deploy:⟦<hex:34>⟧ who-am-i',
  },
  {
    programs: words('mosquitto_pub mosquitto_sub mosquitto_rr'),
    flags: ['-P', '--pw'],
    source: 'Mosquitto manual',
    example: 'mosquitto_pub -u app -P ⟦<password>⟧ -t x -m y',
  },
  {
    programs: [
      ...words(
        'rdesktop crackmapexec netexec nxc evil-winrm hydra medusa psexec psexec64 certutil signtool',
      ),
      ...[
        'vsce publish',
        'vsce login',
        'ovsx publish',
        'twine upload',
        'az login',
        'cf login',
        'oc login',
      ],
      ...[
        'ibmcloud login',
        'ilorest login',
        'expo login',
        'eas login',
        'dotnet nuget push',
        'doctl auth init',
      ],
      ...['glab auth login', 'conjur login', 'az sql server create', 'az postgres', 'az mysql'],
    ],
    flags: ['-p', '-t', '-k', '/p', '-P'],
    joined: ['/p:'],
    source: 'command line references of the programs',
    example: 'twine upload -u ci -p ⟦<password>⟧ dist/app.whl',
  },
  {
    programs: ['useradd', 'usermod', 'adduser'],
    flags: ['-p'],
    source: 'useradd(8)',
    example: 'useradd -m -p ⟦<password>⟧ app',
  },
  {
    programs: ['schtasks', 'wmic', 'runas'],
    flags: ['/rp', '/p'],
    source: 'Windows command line reference',
    example: 'schtasks /create /ru app /rp ⟦<password>⟧ /tn x',
  },
  {
    programs: words('xfreerdp xfreerdp3 wfreerdp mstsc'),
    joined: ['/p:', '-p:'],
    flags: ['-p'],
    source: 'FreeRDP manual',
    example: 'xfreerdp /v:host /u:app /p:⟦<password>⟧',
  },
  {
    programs: [
      ...['docker login', 'podman login', 'nerdctl login', 'buildah login', 'helm registry login'],
      ...[
        'oras login',
        'crane auth login',
        'regctl registry login',
        'skopeo login',
        'az acr login',
      ],
    ],
    flags: ['-p', '--password'],
    joined: ['-p'],
    source: 'Docker, Podman, Helm and ORAS command line references',
    example: 'docker login -u ci -p ⟦<password>⟧ registry.example.org',
  },
  {
    programs: ['skopeo', 'podman', 'buildah', 'kubectl create secret', 'oc create secret'],
    pairs: ['--creds', '--src-creds', '--dest-creds', '--from-literal'],
    separators: ':=',
    source: 'Skopeo, Podman and kubectl references',
    example: 'skopeo copy --src-creds ci:⟦<password>⟧ docker://a docker://b',
  },
  {
    programs: [
      'rabbitmqctl add_user',
      'rabbitmqctl change_password',
      'rabbitmqctl authenticate_user',
    ],
    arguments: [1],
    source: 'rabbitmqctl(8)',
    example: 'rabbitmqctl add_user app ⟦<password>⟧',
  },
  {
    programs: ['htpasswd'],
    arguments: [-1],
    needs: /^-[a-zA-Z]*b/,
    source: 'Apache htpasswd manual',
    example: 'htpasswd -b users.htpasswd app ⟦<password>⟧',
  },
  {
    programs: ['net use'],
    arguments: [1, 2],
    needs: /^\/user:/i,
    source: 'Windows net use',
    example: 'net use \\\\files\\share ⟦<password>⟧ /user:app',
  },
  {
    programs: ['net user'],
    arguments: [1],
    needs: /^\/(?:add|domain|active)/i,
    source: 'Windows net user',
    example: 'net user app ⟦<password>⟧ /add',
  },
  {
    programs: [
      'wpa_passphrase',
      'samba-tool user create',
      'samba-tool user add',
      'cf auth',
      'bw login',
    ],
    arguments: [1],
    source: 'wpa_supplicant, Samba, Cloud Foundry and Bitwarden references',
    example: 'wpa_passphrase home ⟦<password>⟧',
  },
  {
    programs: [
      ...[
        'ngrok authtoken',
        'ngrok config add-authtoken',
        'cargo login',
        'shodan init',
        'snyk auth',
        'vault login',
        'wandb login',
      ],
      ...[
        'vault operator unseal',
        'bw unlock',
        'rclone obscure',
        'mkpasswd',
        'cloudflared service install',
      ],
      ...['nuget setapikey', 'openai api', 'slappasswd', 'vault token revoke', 'travis encrypt'],
    ],
    arguments: [0],
    isToken: true,
    source: 'command line references of the programs',
    example: 'ngrok config add-authtoken ⟦<alnum:49>⟧',
  },
  {
    programs: [
      'poetry config',
      'composer config',
      'bundle config',
      'pulumi config set',
      'dotnet user-secrets set',
    ],
    arguments: [-1],
    needs: /pypi-token|http-basic|github-oauth|gitlab-token|--secret|^set$|\.com$|\w+:\w+/,
    isToken: true,
    source: 'Poetry, Composer, Bundler, Pulumi and .NET references',
    example: 'poetry config pypi-token.pypi ⟦<alnum:40>⟧',
  },
  {
    programs: ['mc alias set', 'mc config host add', 'b2 authorize-account', 'chamber write'],
    arguments: [-1],
    isToken: true,
    source: 'MinIO client, Backblaze and Chamber references',
    example: 'mc alias set store https://s3.example.org app ⟦<alnum:40>⟧',
  },
  {
    programs: [
      ...['aws secretsmanager', 'aws ssm put-parameter', 'az keyvault secret set', 'gh secret set'],
      ...['eas secret:create', 'glab variable set', 'gcloud secrets'],
    ],
    flags: ['--secret-string', '--value', '--body', '-b', '--secret-binary'],
    source: 'AWS, Azure, GitHub and Expo command line references',
    example: 'gh secret set DEPLOY --body ⟦<alnum:40>⟧',
  },
  {
    programs: ['swaks', 'sendemail', 'sendEmail', 'msmtp'],
    flags: ['-ap', '-xp', '--auth-password'],
    source: 'Swaks and sendEmail manuals',
    example: 'swaks --to a@example.org -au app -ap ⟦<password>⟧',
  },
  {
    programs: ['consul', 'nomad', 'waypoint', 'boundary'],
    flags: ['-token'],
    source: 'HashiCorp command line references',
    example: 'consul members -token ⟦<uuid>⟧',
  },
  {
    programs: ['http ', 'https ', 'xh ', 'xhs '],
    flags: ['--auth', '-a'],
    needs: /^bearer$/,
    isToken: true,
    source: 'HTTPie documentation, bearer authentication',
    example: 'http -A bearer -a ⟦<alnum:40>⟧ example.org',
  },
  {
    programs: ['networksetup -setairportnetwork'],
    arguments: [2],
    source: 'networksetup(8)',
    example: 'networksetup -setairportnetwork en0 home ⟦<password>⟧',
  },
];

function words(text: string): readonly string[] {
  return text.split(' ');
}
