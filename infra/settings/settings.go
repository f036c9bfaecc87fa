// Package settings is the configuration of one environment: the presets, what Pulumi.<stack>.yaml puts over them, and
// the rules that values must keep, each alone and together. main.go loads it before the first resource and hands every
// component the values that it needs; no component reads configuration. It imports no resource package, so that it can
// be tested by itself.
//
// The table in table.go is the only place that knows the keys: parsing, the error that lists all faults, and
// docs/settings.md are made from it. Rules over several keys stand in rules.go. To add a setting, add a field here and
// a row there.
package settings

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"dossier.example/app/bounds"
)

// Settings is everything that can differ between two environments. Load returns only values that were checked.
type Settings struct {
	// Stack is the name of the Pulumi stack: lower-case letters, digits and hyphens. It stands in the names and tags of
	// resources and in the Parameter Store path, /dossier/<stack>.
	Stack string
	// Region is the AWS region, from aws:region.
	Region string
	// Tags are those that the provider puts on all that it makes, from aws:defaultTags; nil means none.
	Tags map[string]string
	// Preset is where the defaults come from.
	Preset Preset
	// Protect turns on the deletion protection of the load balancer, the database and the table, keeps a final snapshot
	// of the database, and keeps the bucket of files from being emptied when the stack is destroyed.
	Protect  bool
	Network  Network
	Site     Site
	Service  Service
	Database Database
	Jump     Jump
	Storage  Storage
	Observe  Observe
	Access   Access
	Staff    Staff
}

// HostTags are the tags of what the provider's own do not reach: groups, the instances that they start, and volumes.
func (s Settings) HostTags() map[string]string {
	tags := map[string]string{"Project": project, "Stack": s.Stack}
	maps.Copy(tags, s.Tags)
	return tags
}

// Preset names a set of defaults.
type Preset string

// The presets: Dev is cheap, Prod is safe.
const (
	Dev  Preset = "dev"
	Prod Preset = "prod"
)

// MaxZones is the most that Network.Zones can be.
const MaxZones = 4

// Network is the VPC.
type Network struct {
	// CIDR is the block of the VPC, a /16 to /24 within the private ranges of RFC 1918. Each subnet is a sixteenth of
	// it, so at least a /28, the smallest that AWS allows.
	CIDR netip.Prefix
	// Zones is the number of availability zones, 2 to MaxZones. Each has one public and one private subnet.
	Zones int
	// ZoneNames are the zones, as many as Zones; empty means the ones that the stack has, or else the first that offer
	// what the settings ask for.
	ZoneNames []string
	NAT       NAT
	// NATInstanceType is that of the NAT instance, where NAT is NATInstance.
	NATInstanceType string
}

// NAT is the way from the private subnets to the internet.
type NAT string

// The ways: one gateway for all zones, one for each, or a small instance.
const (
	NATSingle   NAT = "single"
	NATPerZone  NAT = "per-zone"
	NATInstance NAT = "instance"
)

// Site is the name that browsers reach the service by, and who else may call it. Domain and ZoneID are both set, or
// neither; without, the site is the load balancer's own name, by plain HTTP.
type Site struct {
	// Domain is the full name, such as files.example.org. In production (Settings.Production) there is one.
	Domain string
	// ZoneID is the Route 53 hosted zone that holds Domain, such as Z0123456789ABCDEFGHIJ.
	ZoneID string
	// WebACL is the ARN of a regional AWS WAF web ACL to put before the load balancer; empty means none.
	WebACL string
	// APIOrigins are the origins of other sites whose pages may use the API and send files to the bucket, as browsers
	// write them.
	APIOrigins []string
}

// Service is the app on its instances behind the load balancer.
type Service struct {
	// InstanceType is of a Graviton (arm64) family, such as t4g.small.
	InstanceType string
	// Image is an Amazon Linux 2023 AMI for arm64, of the app's instances, the jump server and a NAT instance. Empty
	// means the newest at the time when each was created; it stays until an image is named, so that a new image of
	// Amazon's never changes an environment by itself.
	Image string
	// Min and Max bound the size of the group.
	Min, Max int
	// DiskGiB is the size of the root volume, 8 GiB at least (the image's own size).
	DiskGiB int
	// CPUTarget is the average CPU utilisation that the group is scaled for, in percent.
	CPUTarget int
	// RequestsTarget is the requests per instance and minute that the group is scaled for.
	RequestsTarget int
	// Connections is the number of database connections that one instance has open at most.
	Connections int
	// MaxFileBytes is the size of the largest file taken.
	MaxFileBytes int64
	// MaxStoreBytes is the size of all files of all persons together.
	MaxStoreBytes int64
	// UploadTimeout is the time for one whole submission by the plain form. Direct uploads are not bound by it: they
	// resume.
	UploadTimeout time.Duration
	// DeregistrationDelay is how long an instance that leaves stays for the requests that it has, whether it has any or
	// not: the load balancer shows it as draining for the whole time, and the group waits for that. It exceeds
	// UploadTimeout, so that no deployment cuts a form.
	DeregistrationDelay time.Duration
	// IdleTimeout is how long the load balancer keeps a connection on which nothing moves. It is shorter than the app's
	// keep-alive (AppKeepAlive): else the app closes a connection just as the load balancer sends on it, and clients
	// see a 502.
	IdleTimeout time.Duration
	// ShutdownTimeout is how long requests that still run get after the stop signal.
	ShutdownTimeout time.Duration
	// StopTimeout is after how long systemd kills the app when it does not stop. It exceeds ShutdownTimeout.
	StopTimeout time.Duration
	// BootTimeout is how long an instance may take from launch to ready; after it the group gives it up and launches
	// another.
	BootTimeout time.Duration
}

// AppKeepAlive is the keep-alive of the app's server, for connections on which no request runs.
const AppKeepAlive = bounds.KeepAlive

// Database is RDS for MySQL.
type Database struct {
	// Class is the instance class, such as db.t4g.micro.
	Class string
	// Version is the engine version: a major one such as 8.4, so that minor upgrades come by themselves.
	Version string
	// AllowMajorUpgrade lets Version move to another major one, which takes the database down and cannot be taken back.
	AllowMajorUpgrade bool
	// StorageGiB and MaxStorageGiB bound the volume (gp3), which RDS enlarges by itself where they differ; 20 GiB is
	// the least.
	StorageGiB, MaxStorageGiB int
	// Connections is max_connections of the server.
	Connections int
	MultiAZ     bool
	// Credentials counts the passwords of the database: one more makes new ones, and a new user for the app beside the
	// old.
	Credentials int
	// BackupDays is for how many days point-in-time recovery reaches back, 1 to 35.
	BackupDays int
	// PerformanceInsights is refused for classes that do not have it, and on by default for those that do.
	PerformanceInsights bool
}

// Jump is the jump server.
type Jump struct {
	// OperatorCIDRs are the addresses that may connect by SSH. Empty: port 22 is open to nobody, and the schema command
	// goes through Systems Manager.
	OperatorCIDRs []netip.Prefix
	// InstanceType is of a Graviton (arm64) family.
	InstanceType string
}

// Types are the EC2 types that the settings ask for, each once.
func (s Settings) Types() []string {
	types := []string{s.Service.InstanceType, s.Jump.InstanceType}
	if s.Network.NAT == NATInstance {
		types = append(types, s.Network.NATInstanceType)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// Storage is the buckets and the table.
type Storage struct {
	// DeletedDays is for how many days a deleted file's bytes stay as an old version: deleted means gone after so many.
	DeletedDays int
	// ReleaseDays is for how many days a release is kept at least, and for how many more its bytes after it was
	// deleted.
	ReleaseDays int
	// AccessLogDays is for how many days access logs of the load balancer and the buckets are kept.
	AccessLogDays int
	// MalwareProtection has GuardDuty scan every file that is stored, and the app hand out files by what it found.
	MalwareProtection bool
}

// Access is what bounds the roles that the program makes.
type Access struct {
	// Boundary is the ARN of the managed policy that is the permissions boundary of every role; empty means none.
	// Package deployer writes it.
	Boundary string
}

// Staff is how staff sign in, beside the ways that the app has by itself.
type Staff struct {
	// Pool has the stack make a Cognito user pool, and the app use it as its issuer. There is a domain then.
	Pool bool
	// PoolDomain is the prefix of the address of the pool's pages; it is set if, and only if, there is a pool.
	PoolDomain string
	// PoolOnly has the pool be the only way in.
	PoolOnly bool
}

// Observe is logs, alarms and who is told.
type Observe struct {
	// LogDays is the retention of log groups, one of the values that CloudWatch Logs allows.
	LogDays int
	// Email is told of alarms, after its owner confirmed the subscription; empty means that nobody is.
	Email string
	// Errors5xx is the number of 5xx answers in five minutes above which it is an alarm.
	Errors5xx int
	// LatencySeconds is the 95th percentile of the time to answer above which it is an alarm.
	LatencySeconds float64
	// DatabaseCPU is in percent, DatabaseFreeGiB in GiB of storage left, DatabaseConnectionsPercent in percent of
	// Database.Connections.
	DatabaseCPU                int
	DatabaseFreeGiB            int
	DatabaseConnectionsPercent int
	// ScrubDays is the number of days without a complete reading of all stored files above which it is an alarm.
	ScrubDays int
}
