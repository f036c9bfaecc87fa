package config

import (
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"dossier.example/app/bounds"
	"dossier.example/app/setting"
)

const (
	// prefix begins the name of every variable of the app.
	prefix = "DOSSIER_"
	// testPrefix begins the names that the tests of the app have for themselves.
	testPrefix = "DOSSIER_TEST_"
	// clientPrefix begins the names of variables that the client reads, dossier upload, which has no settings.
	clientPrefix = "DOSSIER_UPLOAD_"
	// parametersEnv names the Parameter Store path. It is read before all others.
	parametersEnv = "DOSSIER_PARAMETERS"
)

// MinStaffSecret is the least length of the staff secret, in characters.
const MinStaffSecret = 16

// The commands that read a setting, beside those that stand in the table by themselves.
const (
	stores  = Serve | Reconcile
	running = Serve | Migrate | Reconcile
)

// row is one row of the table.
type row struct {
	// env is the variable.
	env string
	// parameter is the name below the Parameter Store path: env without the prefix, in lower case, with / before what
	// belongs to a group and - elsewhere. Empty for what belongs to the machine rather than to the stack.
	parameter string
	// preset is the default as one would write it; empty means not set. presetInAWS, if any, holds where
	// DOSSIER_PARAMETERS is set.
	preset, presetInAWS string
	// purposes are the commands that read it.
	purposes Purpose
	// doc says in a sentence what it is, with the unit where the value shows none.
	doc string

	setting.Field[Config]
}

// define completes a row by the field it fills and the kind of its value.
func define[T any](r row, k setting.Kind[T], field func(*Config) *T) row {
	r.Field = setting.Bind(k, field)
	return r
}

// settings returns the table, which nobody changes. Its order is that of the documents and of the faults.
var settings = sync.OnceValue(func() []row {
	return slices.Concat(
		placeSettings(),
		limitSettings(),
		budgetSettings(),
		peopleSettings(),
		fileSettings(),
		staffSettings(),
		issuerSettings(),
		timeSettings(),
		reconcileSettings(),
		scrubSettings(),
		scanSettings(),
		rateSettings(),
		boundSettings(),
		logSettings(),
	)
})

// byName returns the table by the names of the variables.
var byName = sync.OnceValue(func() map[string]*row {
	rows := map[string]*row{}
	for i := range settings() {
		rows[settings()[i].env] = &settings()[i]
	}
	return rows
})

// placeSettings say where the program is reached and what it stands on.
func placeSettings() []row {
	return []row{
		define(row{
			env: parametersEnv, purposes: running,
			doc: "Path in AWS Systems Manager Parameter Store below which the parameters of this table are read. " +
				"Variables take precedence over parameters.",
		}, parameterPath(), func(c *Config) *string { return &c.Parameters }),
		define(row{
			env: "DOSSIER_LISTEN", preset: "localhost:8080", purposes: Serve | Healthcheck,
			doc: "Address to listen on. An empty host means all addresses of the machine; port 0 means any free port.",
		}, listenAddress(), func(c *Config) *string { return &c.HTTP.Listen }),
		define(row{
			env: "DOSSIER_DATA", preset: "./data", purposes: running,
			doc: "Folder of the embedded stores.",
		}, setting.Text("a path without control characters", `[^\x00-\x1f\x7f]+`),
			func(c *Config) *string { return &c.Data }),
		define(row{
			env: "DOSSIER_DISK_RESERVE", preset: "64MiB", purposes: stores,
			doc: "Disk space that is reserved for deleting and reconciling. When the disk of the data folder has " +
				"less, no files are accepted. At most an eighth of the disk.",
		}, setting.Size(16<<20, 1<<40, "1 TiB"), func(c *Config) *int64 { return &c.DiskReserve }),
		define(row{
			env: "DOSSIER_PUBLIC_URL", parameter: "public-url", purposes: Serve,
			doc: "Origin at which browsers reach the server, for private links; with https, cookies are Secure. Not " +
				"set: http at the address that each browser used; links printed at the start use the address " +
				"listened on.",
		}, origin(), func(c *Config) *string { return &c.HTTP.PublicURL }),
		define(row{
			env: "DOSSIER_HSTS_SUBDOMAINS", parameter: "hsts-subdomains", preset: "false", purposes: Serve,
			doc: "Whether browsers are told to use https for all subdomains of the site's host, too " +
				"(`includeSubDomains`). They remember it for a year.",
		}, boolean(), func(c *Config) *bool { return &c.HTTP.HSTSSubdomains }),
		define(row{
			env: "DOSSIER_TRUSTED_PROXIES", parameter: "trusted-proxies", purposes: Serve,
			doc: "Proxies whose forwarding headers are trusted for the client's address. Not set: none.",
		}, prefixes(), func(c *Config) *[]netip.Prefix { return &c.HTTP.TrustedProxies }),
		define(row{
			env: "DOSSIER_API_ORIGINS", parameter: "api-origins", purposes: Serve,
			doc: "Origins of other sites whose pages may use the API. They authenticate with receipts, never with " +
				"cookies. Not set: none.",
		}, origins(), func(c *Config) *[]string { return &c.HTTP.APIOrigins }),
	}
}

// limitSettings say how much is taken.
func limitSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_MAX_FILE_SIZE", parameter: "max-file-size", preset: setting.Bytes(bounds.FileBytes),
			purposes: Serve,
			doc:      "Size of the largest file accepted.",
		}, setting.Size(1, bounds.MaxFileBytes, bounds.MaxFileSays), func(c *Config) *int64 {
			return &c.Limits.FileBytes
		}),
		define(row{
			env: "DOSSIER_MAX_FILES", parameter: "max-files", preset: strconv.Itoa(bounds.Files), purposes: Serve,
			doc: "Number of files accepted in one form.",
		}, setting.Number(1, 1000), func(c *Config) *int { return &c.Limits.Files }),
		define(row{
			env: "DOSSIER_MAX_PERSON_FILES", parameter: "max-person-files", purposes: Serve,
			doc: "Number of files that one person may have, however they were sent. Not set: 20 full forms, at " +
				"least 10,000.",
		}, setting.Number(1, 1_000_000), func(c *Config) *int { return &c.Limits.PersonFiles }),
		define(row{
			env: "DOSSIER_MAX_PERSON_SIZE", parameter: "max-person-size", purposes: Serve,
			doc: "Total size of these files. Not set: one form full of the largest files, at least 250 GiB.",
		}, setting.Size(1, 1<<50, "1 PiB"), func(c *Config) *int64 { return &c.Limits.PersonBytes }),
		define(row{
			env: "DOSSIER_FILE_TYPES", parameter: "file-types", preset: bounds.FileTypes, purposes: Serve,
			doc: "Types of files that are accepted, judged by their bytes, whatever their names say. The form's page " +
				"says so. `*/*` accepts any type, `image/*` any picture.",
		}, fileTypes(), func(c *Config) *string { return &c.Limits.Types }),
	}
}

// budgetSettings say how much is taken of all persons together.
func budgetSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_MAX_STORE_SIZE", parameter: "max-store-size",
			preset: setting.Bytes(bounds.StoreBytes), purposes: stores,
			doc: "Total size of all files of all people, including uploads in progress. Beyond it, no files are " +
				"accepted. 0 means no limit.",
		}, sizeOrNone(1<<60, "1024 PiB"), func(c *Config) *int64 { return &c.Budget.StoreBytes }),
		define(row{
			env: "DOSSIER_MAX_STORE_FILES", parameter: "max-store-files", preset: "2000000", purposes: stores,
			doc: "Number of these files. 0 means no limit.",
		}, count(0, 1_000_000_000), func(c *Config) *int64 { return &c.Budget.StoreFiles }),
		define(row{
			env: "DOSSIER_MAX_DAY_SIZE", parameter: "max-day-size", preset: "250GiB", purposes: stores,
			doc: "Total size of the files that one network (an IPv4 address or the /64 of an IPv6 address) may add " +
				"per UTC day. 0 means no limit.",
		}, sizeOrNone(1<<50, "1 PiB"), func(c *Config) *int64 { return &c.Budget.DayBytes }),
		define(row{
			env: "DOSSIER_MAX_DAY_FILES", parameter: "max-day-files", preset: "20000", purposes: stores,
			doc: "Number of files that one network may start per day. 0 means no limit.",
		}, count(0, 100_000_000), func(c *Config) *int64 { return &c.Budget.DayFiles }),
		define(row{
			env: "DOSSIER_MAX_DAY_PERSONS", parameter: "max-day-persons", preset: "1000", purposes: stores,
			doc: "Number of people that one network may add per day. 0 means no limit.",
		}, count(0, 100_000_000), func(c *Config) *int64 { return &c.Budget.DayPersons }),
	}
}

// peopleSettings say where the people are kept.
func peopleSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_DB_HOST", parameter: "db/host", purposes: running,
			doc: "Host of the MySQL server that stores the people. Not set: SQLite in the data folder.",
		}, hostName(), func(c *Config) *string { return &c.People.Host }),
		define(row{
			env: "DOSSIER_DB_PORT", parameter: "db/port", preset: "3306", purposes: running,
			doc: "TCP port of the MySQL server.",
		}, setting.Number(1, 65535), func(c *Config) *int { return &c.People.Port }),
		define(row{
			env: "DOSSIER_DB_NAME", parameter: "db/name", preset: "dossier", purposes: running,
			doc: "Name of the database.",
		}, setting.Text("1 to 64 letters, digits and underscores", `[A-Za-z0-9_]{1,64}`), func(c *Config) *string {
			return &c.People.Name
		}),
		define(row{
			env: "DOSSIER_DB_USER", parameter: "db/user", preset: "dossier", purposes: running,
			doc: "The app's own user on the MySQL server.",
		}, userName(), func(c *Config) *string { return &c.People.User }),
		define(row{
			env: "DOSSIER_DB_PASSWORD", parameter: "db/password", purposes: running,
			doc: "Password of the app's own user; required with `DOSSIER_DB_HOST`.",
		}, secret(1), func(c *Config) *Secret { return &c.People.Password }),
		define(row{
			env: "DOSSIER_DB_TLS", parameter: "db/tls", preset: "verify", purposes: running,
			doc: "Whether the connection to MySQL is encrypted and the server's certificate verified, or unencrypted.",
		}, setting.OneOf(TLSVerify, TLSOff), func(c *Config) *TLS { return &c.People.TLS }),
		define(row{
			env: "DOSSIER_DB_CA_FILE", parameter: "db/ca-file", purposes: running,
			doc: "File of the CA certificates that verify the MySQL server's certificate. Not set: the system's.",
		}, certificateFile(), func(c *Config) *string { return &c.People.CAFile }),
		define(row{
			env: "DOSSIER_DB_MAX_CONNECTIONS", parameter: "db/max-connections", preset: "10", purposes: running,
			doc: "Largest number of open connections to MySQL per instance.",
		}, setting.Number(1, 1000), func(c *Config) *int { return &c.People.MaxConnections }),
		define(row{
			env: "DOSSIER_DB_ADMIN_USER", parameter: "db/admin/user", purposes: Migrate,
			doc: "User with which `dossier migrate` creates the database, the tables and the app's own user. Not " +
				"set: only tables are created, by the app's own user.",
		}, userName(), func(c *Config) *string { return &c.People.AdminUser }),
		define(row{
			env: "DOSSIER_DB_ADMIN_PASSWORD", parameter: "db/admin/password", purposes: Migrate,
			doc: "Password of that user.",
		}, secret(1), func(c *Config) *Secret { return &c.People.AdminPassword }),
		define(row{
			env: "DOSSIER_DB_ADMIN_PRUNE_USER", parameter: "db/admin/prune/user", preset: "dossier_prune",
			purposes: Migrate,
			doc: "User with which `dossier audit prune` removes old entries of the audit trail, which the app's own " +
				"user " +
				"cannot.",
		}, userName(), func(c *Config) *string { return &c.People.PruneUser }),
		define(row{
			env: "DOSSIER_DB_ADMIN_PRUNE_PASSWORD", parameter: "db/admin/prune/password", purposes: Migrate,
			doc: "Password of that user, whom `dossier migrate` creates. Not set: there is no such user, and the " +
				"audit " +
				"trail grows.",
		}, secret(1), func(c *Config) *Secret { return &c.People.PrunePassword }),
	}
}

// fileSettings say where files and their records are kept.
func fileSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_BUCKET", parameter: "bucket", purposes: stores,
			doc: "S3 bucket that stores the content of files. Not set: a directory in the data folder.",
		}, setting.Text("an S3 bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
			`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`),
			func(c *Config) *string { return &c.Objects.Bucket }),
		define(row{
			env: "DOSSIER_S3_PATH_STYLE", parameter: "s3/path-style", preset: "false", purposes: stores,
			doc: "Whether requests name the bucket in the path instead of the host name, as many S3-compatible " +
				"servers require.",
		}, boolean(), func(c *Config) *bool { return &c.Objects.PathStyle }),
		define(row{
			env: "DOSSIER_S3_LINKS", parameter: "s3/links", preset: "true", purposes: Serve,
			doc: "Whether browsers download from the bucket directly, through links signed for 5 minutes. Set to " +
				"false where browsers cannot reach the bucket.",
		}, boolean(), func(c *Config) *bool { return &c.Objects.Links }),
		define(row{
			env: "DOSSIER_TABLE", parameter: "table", purposes: stores,
			doc: "DynamoDB table that stores the records of files. Not set: the data folder.",
		}, setting.Text("a DynamoDB table name: 3 to 255 letters, digits, dots, hyphens and underscores",
			`[A-Za-z0-9_.-]{3,255}`),
			func(c *Config) *string { return &c.Catalog.Table }),
	}
}

// staffSettings say how staff sign in.
func staffSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_STAFF_SECRET", parameter: "staff/secret", purposes: Serve,
			doc: "What opens the site until it has an administrator, and what keys derive from; required as soon as " +
				"one " +
				"store is not embedded. Not set: generated and kept in the data folder.",
		}, secret(MinStaffSecret), func(c *Config) *Secret { return &c.Staff.Secret }),
		define(row{
			env: "DOSSIER_SESSION_LIFETIME", parameter: "session/lifetime", preset: "12h", purposes: Serve,
			doc: "How long a staff session lasts at most.",
		}, duration(time.Minute, 7*24*time.Hour), func(c *Config) *time.Duration { return &c.Staff.SessionLifetime }),
		define(row{
			env: "DOSSIER_SESSION_IDLE", parameter: "session/idle", preset: "1h", purposes: Serve,
			doc: "How long a staff session lasts without use.",
		}, duration(time.Minute, 7*24*time.Hour), func(c *Config) *time.Duration { return &c.Staff.SessionIdle }),
		define(row{
			env: "DOSSIER_AUDIT_RETENTION", parameter: "audit-retention", preset: "9600h", purposes: Serve | Migrate,
			doc: "How long entries of the audit trail are kept. Older ones are removed daily from SQLite, and by " +
				"`dossier audit prune` from MySQL. 0 means forever.",
		}, durationOrOff(time.Minute, 10*365*24*time.Hour), func(c *Config) *time.Duration {
			return &c.Staff.AuditRetention
		}),
		define(row{
			env: "DOSSIER_STAFF_PLAIN_PASSWORDS", parameter: "staff/plain-passwords", preset: "false", purposes: Serve,
			doc: "Whether staff may send passwords over plain HTTP from another machine, where others could read them.",
		}, boolean(), func(c *Config) *bool { return &c.Staff.PlainPasswords }),
		define(row{
			env: "DOSSIER_RECEIPT_LIFETIME", parameter: "receipt-lifetime", preset: "0", purposes: Serve,
			doc: "How long a new person's receipt works. Its holder can shorten this, staff can change it; files " +
				"stay when it expires. 0 means forever.",
		}, durationOrOff(time.Minute, 10*365*24*time.Hour), func(c *Config) *time.Duration {
			return &c.ReceiptLifetime
		}),
	}
}

// timeSettings say how long things may take.
func timeSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_TIMEOUT_STORE", parameter: "timeout/store", preset: "5s", purposes: running,
			doc: "Time limit for one store call that transfers no file content.",
		}, duration(shortest, 10*time.Minute), func(c *Config) *time.Duration { return &c.Timeouts.Store }),
		define(row{
			env: "DOSSIER_TIMEOUT_STALL", parameter: "timeout/stall", preset: setting.Short(bounds.StoreStall),
			purposes: stores,
			doc:      "How long a store may accept no bytes of a file that is being sent to it.",
		}, duration(shortest, time.Hour), func(c *Config) *time.Duration { return &c.Timeouts.Stall }),
		define(row{
			env: "DOSSIER_TIMEOUT_UPLOAD", parameter: "timeout/upload", preset: setting.Short(bounds.BodyTime),
			purposes: stores,
			doc:      "Time limit for one whole submission.",
		}, duration(shortest, 7*24*time.Hour), func(c *Config) *time.Duration { return &c.Timeouts.Upload }),
		define(row{
			env: "DOSSIER_TIMEOUT_IDLE", parameter: "timeout/idle", preset: setting.Short(bounds.ClientIdle),
			purposes: Serve,
			doc:      "How long a client may send nothing while its request is read.",
		}, duration(shortest, time.Hour), func(c *Config) *time.Duration { return &c.Timeouts.Idle }),
		define(row{
			env: "DOSSIER_TIMEOUT_SHUTDOWN", parameter: "timeout/shutdown", preset: "30s", purposes: Serve,
			doc: "How long running requests may take to finish after the stop signal and the drain delay.",
		}, duration(shortest, 24*time.Hour), func(c *Config) *time.Duration { return &c.Timeouts.Shutdown }),
		define(row{
			env: "DOSSIER_DRAIN_DELAY", parameter: "drain-delay", preset: "0s", purposes: Serve,
			doc: "How long new requests are still accepted after the stop signal. Behind a load balancer, use its " +
				"deregistration delay.",
		}, duration(0, time.Hour), func(c *Config) *time.Duration { return &c.Timeouts.Drain }),
	}
}

// reconcileSettings say when half-done things are put right.
func reconcileSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_RECONCILE_INTERVAL", parameter: "reconcile/interval", preset: "1h", purposes: Serve,
			doc: "Time between reconciliations within `dossier serve`.",
		}, durationOrOff(time.Second, 7*24*time.Hour), func(c *Config) *time.Duration { return &c.Reconcile.Interval }),
		define(row{
			env: "DOSSIER_RECONCILE_AGE", parameter: "reconcile/age", preset: "24h", purposes: stores,
			doc: "Time without progress after which unfinished work counts as abandoned. Must exceed " +
				"`DOSSIER_TIMEOUT_UPLOAD`.",
		}, duration(shortest, 30*24*time.Hour), func(c *Config) *time.Duration { return &c.Reconcile.Age }),
		define(row{
			env: "DOSSIER_SWEEP_INTERVAL", parameter: "sweep-interval", preset: "24h", purposes: Serve,
			doc: "Time between comparisons of all records with all objects within `dossier serve`, over all instances.",
		}, durationOrOff(time.Second, 30*24*time.Hour), func(c *Config) *time.Duration { return &c.Reconcile.Sweep }),
		define(row{
			env: "DOSSIER_KEEP_REMOVED", parameter: "keep-removed", preset: "720h", purposes: stores,
			doc: "How long the embedded store keeps what reconciliation removed automatically. A bucket keeps " +
				"earlier versions instead.",
		}, duration(time.Second, 10*365*24*time.Hour), func(c *Config) *time.Duration {
			return &c.Reconcile.KeepRemoved
		}),
		define(row{
			env: "DOSSIER_TRASH_RETENTION", parameter: "trash-retention", preset: "720h", purposes: stores,
			doc: "How long what staff delete stays in the trash, from which it can be put back, before " +
				"reconciliation " +
				"erases it. 0 means that there is no trash: it is deleted at once.",
		}, durationOrOff(time.Second, 10*365*24*time.Hour), func(c *Config) *time.Duration {
			return &c.Reconcile.KeepTrash
		}),
	}
}

// scrubSettings say how fast stored files are read and compared.
func scrubSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_SCRUB_BYTES", parameter: "scrub/bytes", preset: "50GiB", purposes: Serve,
			doc: "How much of the stored files all instances together read per day to find bytes that changed in " +
				"storage. 0 reads nothing.",
		}, setting.Size(0, 1<<50, "1 PiB"), func(c *Config) *int64 { return &c.Scrub.Bytes }),
		define(row{
			env: "DOSSIER_SCRUB_INTERVAL", parameter: "scrub/interval", preset: "24h", purposes: Serve,
			doc: "Least time between the starts of two full reads.",
		}, duration(time.Second, 365*24*time.Hour), func(c *Config) *time.Duration { return &c.Scrub.Interval }),
	}
}

// scanSettings say who checks files for malware, and what is handed out before.
func scanSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_SCANNER", parameter: "scanner", preset: "none", purposes: stores,
			doc: "Who checks files for malware: nobody; a `clamd` at `DOSSIER_SCAN_CLAMD`; or GuardDuty Malware " +
				"Protection for S3, which tags the objects in `DOSSIER_BUCKET`.",
		}, setting.OneOf(ScannerNone, ScannerClamd, ScannerGuardDuty), func(c *Config) *Scanner {
			return &c.Scan.Scanner
		}),
		define(row{
			env: "DOSSIER_SCAN_CLAMD", parameter: "scan/clamd", preset: "unix:/run/clamav/clamd.ctl", purposes: stores,
			doc: "Socket of `clamd`, whose `AlertEncrypted` and `AlertExceedsMax` must be on. Files cross it " +
				"unencrypted: keep it on this machine or on a private network.",
		}, socket(), func(c *Config) *string { return &c.Scan.Clamd }),
		define(row{
			env: "DOSSIER_SCAN_PENDING", parameter: "scan/pending", preset: "nobody", purposes: stores,
			doc: "Who may download a file that is waiting for its check, or whose check failed.",
		}, setting.OneOf(AudienceNobody, AudienceStaff), func(c *Config) *Audience { return &c.Scan.Pending }),
		define(row{
			env: "DOSSIER_SCAN_UNSCANNED", parameter: "scan/unscanned", preset: "nobody", purposes: stores,
			doc: "Who may download a file that was not fully checked, because it is too large, encrypted, or older " +
				"than the scanner (see `dossier scan`).",
		}, setting.OneOf(AudienceNobody, AudienceStaff, AudienceAll), func(c *Config) *Audience {
			return &c.Scan.Unscanned
		}),
		define(row{
			env: "DOSSIER_SCAN_MAX_SIZE", parameter: "scan/max-size", preset: "100MiB", purposes: stores,
			doc: "Size of the largest file sent to `clamd`; at most its `StreamMaxLength` and `MaxFileSize`.",
		}, setting.Size(1, 4<<30-1, "4 GiB less a byte"), func(c *Config) *int64 { return &c.Scan.MaxBytes }),
		define(row{
			env: "DOSSIER_SCAN_WORKERS", parameter: "scan/workers", preset: "2", purposes: stores,
			doc: "Number of files that one instance checks at once.",
		}, setting.Number(1, 100), func(c *Config) *int { return &c.Scan.Workers }),
		define(row{
			env: "DOSSIER_SCAN_KEEP_INFECTED", parameter: "scan/keep-infected", preset: "720h", purposes: stores,
			doc: "Time after which reconciliation removes a file that contains malware. 0 means never.",
		}, durationOrOff(time.Second, 10*365*24*time.Hour), func(c *Config) *time.Duration {
			return &c.Scan.KeepInfected
		}),
	}
}

// rateSettings say how often one client may ask.
func rateSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_RATE_SUBMISSIONS", parameter: "rate/submissions", preset: "30", purposes: Serve,
			doc: "Submissions per minute from one client address, on average. 0 means no limit.",
		}, setting.Number(0, 100_000), func(c *Config) *int { return &c.Rates.Submissions.PerMinute }),
		define(row{
			env: "DOSSIER_RATE_SUBMISSIONS_BURST", parameter: "rate/submissions-burst", preset: "30", purposes: Serve,
			doc: "Submissions from one client address in a burst.",
		}, setting.Number(1, 100_000), func(c *Config) *int { return &c.Rates.Submissions.Burst }),
		define(row{
			env: "DOSSIER_RATE_SIGN_INS", parameter: "rate/sign-ins", preset: "10", purposes: Serve,
			doc: "Sign-in attempts with a wrong key per minute from one client address, on average. 0 means no " +
				"limit. The right key is always accepted.",
		}, setting.Number(0, 100_000), func(c *Config) *int { return &c.Rates.SignIns.PerMinute }),
		define(row{
			env: "DOSSIER_RATE_SIGN_INS_BURST", parameter: "rate/sign-ins-burst", preset: "10", purposes: Serve,
			doc: "Sign-in attempts with a wrong key from one client address in a burst.",
		}, setting.Number(1, 100_000), func(c *Config) *int { return &c.Rates.SignIns.Burst }),
		define(row{
			env: "DOSSIER_RATE_REGISTRATIONS", parameter: "rate/registrations", preset: "30", purposes: Serve,
			doc: "People registered through the API per minute from one client address, on average. 0 means no limit.",
		}, setting.Number(0, 100_000), func(c *Config) *int { return &c.Rates.Registrations.PerMinute }),
		define(row{
			env: "DOSSIER_RATE_REGISTRATIONS_BURST", parameter: "rate/registrations-burst", preset: "30",
			purposes: Serve,
			doc:      "People registered through the API from one client address in a burst.",
		}, setting.Number(1, 100_000), func(c *Config) *int { return &c.Rates.Registrations.Burst }),
		define(row{
			env: "DOSSIER_RATE_ANNOUNCEMENTS", parameter: "rate/announcements", preset: "1200", purposes: Serve,
			doc: "Files announced to the API per minute from one client address, on average. 0 means no limit.",
		}, setting.Number(0, 100_000), func(c *Config) *int { return &c.Rates.Announcements.PerMinute }),
		define(row{
			env: "DOSSIER_RATE_ANNOUNCEMENTS_BURST", parameter: "rate/announcements-burst", preset: "1200",
			purposes: Serve,
			doc:      "Files announced to the API from one client address in a burst.",
		}, setting.Number(1, 100_000), func(c *Config) *int { return &c.Rates.Announcements.Burst }),
		define(row{
			env: "DOSSIER_RATE_SIGNATURES", parameter: "rate/signatures", preset: "1200", purposes: Serve,
			doc: "API requests that sign parts, up to 100 each, per minute from one client address, on average. 0 " +
				"means no limit.",
		}, setting.Number(0, 100_000), func(c *Config) *int { return &c.Rates.Signatures.PerMinute }),
		define(row{
			env: "DOSSIER_RATE_SIGNATURES_BURST", parameter: "rate/signatures-burst", preset: "1200", purposes: Serve,
			doc: "API requests that sign parts, up to 100 each, from one client address in a burst.",
		}, setting.Number(1, 100_000), func(c *Config) *int { return &c.Rates.Signatures.Burst }),
	}
}

// boundSettings say how much one client, and all together, may cost at once.
func boundSettings() []row {
	var rows []row
	for _, b := range bounds.Settings() {
		rows = append(rows, define(row{
			env: b.Env(), parameter: "bound/" + b.Name, preset: strconv.Itoa(b.Preset), purposes: Serve, doc: b.Doc,
		}, setting.Number(b.Least, b.Most), func(c *Config) *int { return b.Field(&c.Bounds) }))
	}
	return rows
}

// logSettings say what is logged.
func logSettings() []row {
	return []row{
		define(row{
			env: "DOSSIER_LOG_LEVEL", parameter: "log/level", preset: "info", purposes: running,
			doc: "Lowest level that is logged.",
		}, logLevel(), func(c *Config) *slog.Level { return &c.Log.Level }),
		define(row{
			env: "DOSSIER_LOG_FORMAT", parameter: "log/format", preset: "text", presetInAWS: "json", purposes: running,
			doc: "Format of log lines.",
		}, setting.OneOf(LogText, LogJSON), func(c *Config) *LogFormat { return &c.Log.Format }),
	}
}

// shortest is the least of the timeouts: below it, a healthy store on a busy machine would count as down.
const shortest = 100 * time.Millisecond
