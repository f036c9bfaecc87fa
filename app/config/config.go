// Package config turns the environment and, in AWS, Parameter Store into one typed Config, once, at the start. Only
// cmd/dossier imports it, and hands each part of the program the values that it needs: no other package reads the
// environment.
//
// # Where a value comes from
//
// A setting has a default. A parameter below the path that DOSSIER_PARAMETERS names goes before the default, and a
// variable DOSSIER_* before both. An empty variable counts as not set. The table in settings.go is the only place that
// knows the settings; parsing, the error that lists all faults, the log line and the table in docs/app-settings.md are
// made from it. The AWS SDK's own variables (AWS_REGION, AWS_ENDPOINT_URL, …) are the SDK's affair.
//
// # What the role must be allowed
//
// Parameters are asked for by their exact names, those that the command needs and no others (ParameterNames), ten at a
// time. That is one IAM action:
//
//	ssm:GetParameters on arn:aws:ssm:<region>:<account>:parameter<path>/<name>
//
// and kms:Decrypt on the key, where SecureStrings are encrypted under a customer-managed one. One name that the role
// may not read refuses the whole request, also where no such parameter exists: so allow every name that ParameterNames
// gives, or <path>/* with a Deny on <path>/db/admin/*, which migrate alone asks for. Such a Deny has to name every
// action that returns a value
// (https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html).
package config

import (
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dossier.example/app/bounds"
)

// Purpose is the command that the settings are for. Each reads only the settings that it uses; the others keep their
// defaults.
type Purpose uint8

// The purposes. They are bits so that a setting can name several; Options takes one.
const (
	Serve Purpose = 1 << iota
	Migrate
	Reconcile
	// Healthcheck reads where the server listens and never asks Parameter Store, for it runs every few seconds.
	Healthcheck
)

// String returns the name of the command, or of several, joined by commas.
func (p Purpose) String() string {
	var names []string
	for i, name := range []string{"serve", "migrate", "reconcile", "healthcheck"} {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Config is every setting, parsed and checked. It may be printed and logged: secrets show as "(hidden)".
type Config struct {
	// Parameters is the Parameter Store path that was read, without a slash at the end; empty when none was.
	Parameters string
	HTTP       HTTP
	// Data is the folder of the embedded stores.
	Data string
	// DiskReserve is the room on that folder's disk, in bytes, that is kept for what deletes and reconciles.
	DiskReserve int64
	// ReceiptLifetime is how long the receipt of a new person opens; 0: for ever.
	ReceiptLifetime time.Duration
	Limits          Limits
	Budget          Budget
	People          People
	Objects         Objects
	Catalog         Catalog
	Staff           Staff
	Timeouts        Timeouts
	Reconcile       Reconciliation
	Scrub           Scrub
	Scan            Scan
	Rates           Rates
	Bounds          bounds.Bounds
	Log             Log

	// purpose limits what is logged to what was read.
	purpose Purpose
	// inForce is what InForce returns.
	inForce []InForce
}

// HTTP is how the server is reached.
type HTTP struct {
	// Listen is the address to listen on, host:port. An empty host is every address of the machine, port 0 a free one.
	Listen string
	// PublicURL is the origin that browsers see, in the canonical form of RFC 6454: no default port, no trailing slash.
	// Empty when not set: see Origin.
	PublicURL string
	// TrustedProxies are those whose forwarding headers are believed. Empty: nobody's.
	TrustedProxies []netip.Prefix
	// HSTSSubdomains extends HSTS to the sub-domains of the site's host.
	HSTSSubdomains bool
	// APIOrigins are the origins of other sites whose pages may use the API, in the canonical form of PublicURL. Empty:
	// none.
	APIOrigins []string
}

// SecureCookies reports whether cookies may be marked Secure: whether browsers come by HTTPS.
func (h HTTP) SecureCookies() bool { return strings.HasPrefix(h.PublicURL, "https://") }

// Origin returns the origin for printed links: PublicURL or, when that is not set, plain HTTP at the given address,
// which is the one that the server got where Listen has port 0. Nil stands for Listen. An address that means "every
// address" becomes localhost.
func (h HTTP) Origin(listening net.Addr) string {
	if h.PublicURL != "" {
		return h.PublicURL
	}
	host, port, err := net.SplitHostPort(h.Listen)
	if err != nil {
		return "http://" + h.Listen
	}
	if listening != nil {
		if _, actual, err := net.SplitHostPort(listening.String()); err == nil {
			port = actual
		}
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return canonicalOrigin("http", host, port)
}

// Limits bounds what one submission, and one person, may carry.
type Limits struct {
	// FileBytes is the size of the largest file taken, in bytes: from 1 to bounds.MaxFileBytes.
	FileBytes int64
	// Files is the number of files taken in one form.
	Files int
	// PersonFiles is the number of files that one person may have, and PersonBytes their size together; 0 where not
	// set: the domain then decides by the two others.
	PersonFiles int
	PersonBytes int64
	// Types are the media types of files that are taken, separated by commas; */* is any.
	Types string
}

// Budget bounds what all persons may have together, and what one network may add in a day. Zero is no bound.
type Budget struct {
	// StoreFiles and StoreBytes are what all may have.
	StoreFiles, StoreBytes int64
	// DayPersons, DayFiles and DayBytes are what one network may add in a day.
	DayPersons, DayFiles, DayBytes int64
}

// People is the store of the persons: MySQL, or SQLite in the data folder.
type People struct {
	// Host is MySQL's host name or address; empty means SQLite.
	Host string
	// Port is MySQL's TCP port.
	Port int
	// Name is the database: letters, digits and underscores, 64 at most.
	Name string
	// User and Password are those of the app's own, least-privileged user.
	User     string
	Password Secret
	TLS      TLS
	// CAFile holds the PEM certificates that MySQL's own is verified by; empty means those of the system.
	CAFile string
	// MaxConnections is the most connections open at once, of one instance.
	MaxConnections int
	// AdminUser and AdminPassword are read for Migrate only, and both empty where the schema is to be written with the
	// app's own user and nothing is to be created.
	AdminUser     string
	AdminPassword Secret
	// PruneUser and PrunePassword are read for Migrate only: the user that removes old entries of the audit trail.
	// There is none without a password.
	PruneUser     string
	PrunePassword Secret
}

// Embedded reports whether persons are kept in the data folder.
func (p People) Embedded() bool { return p.Host == "" }

// TLS is how the connection to MySQL is secured.
type TLS string

const (
	// TLSVerify: encrypted, and the server's certificate and name are verified.
	TLSVerify TLS = "verify"
	// TLSOff: in clear.
	TLSOff TLS = "off"
)

// Objects is the store of the bytes: S3, or a directory in the data folder.
type Objects struct {
	// Bucket is the name of the S3 bucket; empty means a directory.
	Bucket string
	// PathStyle puts the bucket's name in the path of a request instead of in its host name, as many S3-compatible
	// servers need it.
	PathStyle bool
	// Links lets browsers get downloads from the bucket itself, by signed links.
	Links bool
}

// Embedded reports whether bytes are kept in the data folder.
func (o Objects) Embedded() bool { return o.Bucket == "" }

// Catalog is the store of the files' records: DynamoDB, or a file in the data folder.
type Catalog struct {
	// Table is the name of the DynamoDB table; empty means the data folder.
	Table string
}

// Embedded reports whether records are kept in the data folder.
func (c Catalog) Embedded() bool { return c.Table == "" }

// Staff is what staff prove themselves by.
type Staff struct {
	// Secret opens the site until it has an administrator; keys derive from it. It has at least MinStaffSecret
	// characters. It may be empty when every store is embedded: then one is generated and kept in the data folder.
	Secret Secret
	// SessionLifetime is how long a sign-in lasts at most, SessionIdle how long without use.
	SessionLifetime, SessionIdle time.Duration
	// PlainPasswords has passwords accepted over plain HTTP from other machines.
	PlainPasswords bool
	// Issuer is whom else they prove themselves by.
	Issuer Issuer
	// AuditRetention is how long the audit trail is kept before it may be pruned; 0: for ever.
	AuditRetention time.Duration
}

// Timeouts bound what may hang.
type Timeouts struct {
	// Store is for one call of a store that moves no file.
	Store time.Duration
	// Stall is how long a store may take no byte of a file.
	Stall time.Duration
	// Upload is for one whole submission.
	Upload time.Duration
	// Idle is how long a client may send nothing while its request is read.
	Idle time.Duration
	// Shutdown is how long requests that run may go on after the stop signal and the drain.
	Shutdown time.Duration
	// Drain is how long new requests are still taken after the stop signal, so that a load balancer can notice.
	Drain time.Duration
}

// Reconciliation is when what was left half-done is put right.
type Reconciliation struct {
	// Interval is the time between two runs within serve; 0 means none.
	Interval time.Duration
	// Age is how long something must have shown no progress before it counts as left behind. It exceeds
	// Timeouts.Upload, so no upload that still runs is taken for one.
	Age time.Duration
	// Sweep is the time between two comparisons of all records with all objects within serve; 0 means none.
	Sweep time.Duration
	// KeepRemoved is how long the embedded store keeps what reconciliation removed by itself.
	KeepRemoved time.Duration
	// KeepTrash is how long what staff delete stays in the trash; 0: there is none.
	KeepTrash time.Duration
}

// Scrub is how fast stored files are read and compared with their records.
type Scrub struct {
	// Bytes is how many all instances together read in a day; 0 means none.
	Bytes int64
	// Interval is the least time from the start of one reading of everything to that of the next.
	Interval time.Duration
}

// Scan is who checks files for malware, and what is handed out before.
type Scan struct {
	Scanner Scanner
	// Clamd is the socket of clamd: "unix:" and a path, or "tcp:", a host and a port.
	Clamd string
	// Pending is who may have a file that waits for its check, or whose check failed; Unscanned one that was not
	// checked as a whole.
	Pending, Unscanned Audience
	// MaxBytes is the size of the largest file that clamd checks.
	MaxBytes int64
	// Workers is how many files one instance has checked at once.
	Workers int
	// KeepInfected is how long a file stays in which malware was found; 0 means for ever.
	KeepInfected time.Duration
}

// Scanner is who checks files for malware.
type Scanner string

const (
	// ScannerNone: nobody.
	ScannerNone Scanner = "none"
	// ScannerClamd: ClamAV's daemon.
	ScannerClamd Scanner = "clamd"
	// ScannerGuardDuty: Amazon GuardDuty, in the bucket.
	ScannerGuardDuty Scanner = "guardduty"
)

// Audience is who may have a file that was not found clean.
type Audience string

const (
	// AudienceNobody: nobody.
	AudienceNobody Audience = "nobody"
	// AudienceStaff: staff.
	AudienceStaff Audience = "staff"
	// AudienceAll: staff and the submitter.
	AudienceAll Audience = "all"
)

// Rates are the limits per client address.
type Rates struct {
	Submissions Rate
	SignIns     Rate
	// Registrations, Announcements and Signatures are of the API: persons, files, and requests that sign parts.
	Registrations, Announcements, Signatures Rate
}

// Rate is one limit.
type Rate struct {
	// PerMinute is how many a minute in the long run; 0 means no limit.
	PerMinute int
	// Burst is how many at once.
	Burst int
}

// Log is what is logged, and how.
type Log struct {
	Level  slog.Level
	Format LogFormat
}

// LogFormat is the form of a log line.
type LogFormat string

// The forms: key=value for people, JSON for programs.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// LogValue implements slog.LogValuer: which kind each store is, and every setting that the command reads.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }

// String returns one line of what LogValue gives.
func (c Config) String() string {
	var parts []string
	for _, a := range c.attrs() {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, " ")
}

// InForce is a setting as it is in force.
type InForce struct {
	// Name is the variable; Value is what it is set to, and never a secret; Source says where that came from, and
	// Meaning in a sentence what it is.
	Name, Value, Source, Meaning string
	// Default reports that it was not set.
	Default bool
}

// InForce returns the settings that the command read, in the order of their table.
func (c Config) InForce() []InForce { return slices.Clone(c.inForce) }

// attrs returns the kinds of the stores and the settings that were read, under the names that operators know.
func (c Config) attrs() []slog.Attr {
	kind := func(embedded bool, here, there string) string {
		if embedded {
			return here
		}
		return there
	}
	attrs := []slog.Attr{slog.String("people", kind(c.People.Embedded(), "sqlite", "mysql"))}
	if c.purpose != Migrate {
		attrs = append(attrs,
			slog.String("objects", kind(c.Objects.Embedded(), "directory", "s3")),
			slog.String("catalog", kind(c.Catalog.Embedded(), "embedded", "dynamodb")))
	}
	if c.purpose == Healthcheck {
		attrs = nil
	}
	for _, s := range settings() {
		if c.purpose == 0 || s.purposes&c.purpose != 0 {
			attrs = append(attrs, slog.String(s.env, s.Get(&c)))
		}
	}
	return attrs
}
