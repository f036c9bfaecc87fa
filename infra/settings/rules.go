package settings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/app/setting"
	"dossier.example/infra/host/userdata"
)

// rule is what several values have to keep together.
type rule struct {
	// keys are those that it speaks of. A fault names the first that the configuration sets, or else the first; always
	// the first if that is what is missing.
	keys    []string
	missing bool
	// says is the rule in a sentence.
	says string
	// broken returns an empty text where the rule is kept, and else the sum with its numbers and what to do. It is
	// asked only where all keys have a value of their own that is allowed.
	broken func(l *loader) string
}

const (
	// reserve is for connections to the database that are not the app's: the schema command, operators, and RDS's own
	// monitoring.
	reserve = 10
	// rolloutPercent is the size that a group may have during a rollout, in percent; it is service.MaxHealthy.
	rolloutPercent = 110
	// reserved are the addresses of a subnet that AWS keeps
	// (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html), and databaseAddresses those for the
	// database: its own, and one that RDS recovers with
	// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html).
	reserved          = 5
	databaseAddresses = 2
	// subnets is how many the VPC's block is divided into.
	subnets = 16
)

// Largest is the number of instances that there are at once when the largest group is rolled out: a tenth more than
// Max, but at least one. Everything that is counted by instances reckons with it.
func (s Service) Largest() int { return s.Max + (s.Max*(rolloutPercent-100)+99)/100 }

// Production tells an environment whose data must outlive mistakes: of the preset prod, or with protection turned on.
func (s Settings) Production() bool { return s.Preset == Prod || s.Protect }

// rules returns the rules in the order of the document.
func rules() []rule {
	return []rule{
		{
			keys: []string{"service.min", "service.max"},
			says: "The smallest number of instances does not exceed the largest.",
			broken: func(l *loader) string {
				return failed(l.Service.Min > l.Service.Max,
					"service.min is %d and service.max is %d; lower service.min or raise service.max", l.Service.Min,
					l.Service.Max)
			},
		},
		{
			keys: []string{"service.min", "preset"},
			says: "With the preset `prod` there are at least two instances, so that the loss of one, or of its " +
				"zone, leaves another.",
			broken: func(l *loader) string {
				return failed(l.Preset == Prod && l.Service.Min < 2, "service.min is %d; raise it to 2", l.Service.Min)
			},
		},
		{
			keys: []string{"database.connections", "service.connections", "service.max"},
			says: fmt.Sprintf("The database accepts the connections of all instances, even during a rollout of the "+
				"largest group (`service.max` plus a tenth, at least one), and %d others: those of the schema "+
				"command, of operators and of RDS itself.", reserve),
			broken: func(l *loader) string {
				largest, each, have := l.Service.Largest(), l.Service.Connections, l.Database.Connections
				need := largest*each + reserve
				return failed(need > have, "%d instances (service.max %d and %d more during a rollout) × "+
					"service.connections %d + %d others = %d, but database.connections is %d; raise it to %d, or "+
					"lower service.max or service.connections",
					largest, l.Service.Max, largest-l.Service.Max, each, reserve, need, have, need)
			},
		},
		{
			keys: []string{"database.connections", "database.class"},
			says: fmt.Sprintf("The database's class has enough memory for its connections: %d bytes each, by RDS's "+
				"formula, of what remains of its memory after %d percent and %d MiB.", bytesPerConnection, takenPercent,
				takenBytes>>20),
			broken: func(l *loader) string {
				class, have := l.Database.Class, l.Database.Connections
				return failed(have > classConnections(class),
					"database.connections is %d, but %s with %g GiB of memory allows %d; choose a larger "+
						"database.class, or lower database.connections",
					have, class, classMemory(class), classConnections(class))
			},
		},
		{
			keys: []string{insights, "database.class"},
			says: "Performance Insights is on only if the database's class supports it, which the sizes micro and " +
				"small do not.",
			broken: func(l *loader) string {
				return failed(l.Database.PerformanceInsights && !hasInsights(l.Database.Class),
					"%s does not support it; remove the key, or choose a larger database.class", l.Database.Class)
			},
		},
		{
			keys: []string{"database.maxStorageGiB", "database.storageGiB"},
			says: "The volume's largest size equals its initial size, or exceeds it by at least a tenth, as RDS " +
				"requires (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html).",
			broken: func(l *loader) string {
				first, largest := l.Database.StorageGiB, l.Database.MaxStorageGiB
				least := (first*11 + 9) / 10
				return failed(largest != first && largest < least,
					"database.storageGiB is %d and database.maxStorageGiB is %d; make them the same, or raise "+
						"database.maxStorageGiB to %d", first, largest, least)
			},
		},
		{
			keys: []string{"observe.databaseFreeGiB", "database.storageGiB"},
			says: "The alarm threshold for the database's storage is below the size of the volume.",
			broken: func(l *loader) string {
				free, whole := l.Observe.DatabaseFreeGiB, l.Database.StorageGiB
				return failed(free >= whole, "observe.databaseFreeGiB is %d and database.storageGiB is %d: the "+
					"alarm would never stop; lower observe.databaseFreeGiB", free, whole)
			},
		},
		{
			keys: []string{"service.maxFileSize", "service.maxStoreSize"},
			says: "The largest file fits into the size of all files.",
			broken: func(l *loader) string {
				file, store := l.Service.MaxFileBytes, l.Service.MaxStoreBytes
				return failed(file > store, "service.maxFileSize is %s and service.maxStoreSize is %s; lower "+
					"service.maxFileSize or raise service.maxStoreSize", setting.Bytes(file), setting.Bytes(store))
			},
		},
		{
			keys: []string{"service.deregistrationDelay", "service.uploadTimeout"},
			says: "The load balancer's time for deregistration exceeds the time for a submission by the form, so " +
				"that no rollout interrupts one.",
			broken: func(l *loader) string {
				upload, delay := l.Service.UploadTimeout, l.Service.DeregistrationDelay
				return failed(delay <= upload, "service.uploadTimeout is %s and service.deregistrationDelay is %s; "+
					"raise service.deregistrationDelay (to %s at most), or lower service.uploadTimeout",
					setting.Short(upload), setting.Short(delay), setting.Short(maxDeregistrationDelay))
			},
		},
		{
			keys: []string{"service.stopTimeout", "service.shutdownTimeout"},
			says: fmt.Sprintf("systemd kills the app at least %s after the time for running requests is "+
				"over, so that it can clean up.", setting.Short(userdata.StopMargin)),
			broken: func(l *loader) string {
				shutdown, stop := l.Service.ShutdownTimeout, l.Service.StopTimeout
				least := shutdown + userdata.StopMargin
				return failed(stop < least, "service.shutdownTimeout %s + %s = %s, but service.stopTimeout is %s; "+
					"raise it to %s", setting.Short(shutdown), setting.Short(userdata.StopMargin), setting.Short(least),
					setting.Short(stop),
					setting.Short(least))
			},
		},
		{
			keys: []string{"network.zoneNames", "network.zones"},
			says: "There are as many zone names as `network.zones`.",
			broken: func(l *loader) string {
				n := len(l.Network.ZoneNames)
				return failed(n > 0 && n != l.Network.Zones,
					"network.zones is %d, but network.zoneNames has %d names; make them match", l.Network.Zones, n)
			},
		},
		{
			keys: []string{"network.zoneNames", regionKey},
			says: "The zones are in the stack's region.",
			broken: func(l *loader) string {
				i := slices.IndexFunc(l.Network.ZoneNames, func(zone string) bool {
					return zone[:len(zone)-1] != l.Region
				})
				return failed(i >= 0, "item %d is not in %s; use zones such as %sa", i+1, setting.Quoted(l.Region),
					l.Region)
			},
		},
		{
			keys: []string{"network.natInstanceType", "network.nat"},
			says: "The type of the NAT instance is set only if the NAT is an instance.",
			broken: func(l *loader) string {
				return failed(l.IsGiven("network.natInstanceType") && l.Network.NAT != NATInstance,
					"network.nat is %s; remove network.natInstanceType, or set network.nat to %s", l.Network.NAT,
					NATInstance)
			},
		},
		{
			keys: []string{"network.cidr", "network.zones", "service.max"},
			says: fmt.Sprintf("The private subnets have an address for every instance, even during a rollout of the "+
				"largest group. AWS reserves %d addresses of each subnet, and the database needs up to %d.",
				reserved, databaseAddresses),
			broken: func(l *loader) string {
				whole := 1 << (32 - l.Network.CIDR.Bits()) / subnets
				each := whole - reserved - databaseAddresses
				have, need := l.Network.Zones*each, l.Service.Largest()
				return failed(need > have, "network.cidr %s makes subnets of %d addresses, %d - %d - %d = %d of "+
					"them for instances, in %d zones %d, but a rollout of service.max %d needs %d; choose a larger "+
					"network.cidr, or lower service.max",
					l.Network.CIDR, whole, whole, reserved, databaseAddresses, each, l.Network.Zones, have,
					l.Service.Max, need)
			},
		},
		{
			keys: []string{"site.domain", "site.zoneId"},
			says: "The domain and its hosted zone are both set, or neither.",
			broken: func(l *loader) string {
				switch {
				case l.Site.Domain != "" && l.Site.ZoneID == "":
					return "site.zoneId is not set; set it to the ID of the hosted zone that contains site.domain"
				case l.Site.Domain == "" && l.Site.ZoneID != "":
					return "site.domain is not set; set it, or remove site.zoneId"
				}
				return ""
			},
		},
		{
			keys: []string{"site.domain", "preset", "protect"}, missing: true,
			says: "An environment with the preset `prod`, or with `protect`, has a domain: without one there is no " +
				"certificate, and people's details would be sent unencrypted.",
			broken: func(l *loader) string {
				return failed(l.Production() && l.Site.Domain == "",
					"preset is %s and protect is %t; set site.domain and site.zoneId", l.Preset, l.Protect)
			},
		},
		{
			keys: []string{"site.webAcl", regionKey},
			says: "The web ACL is in the stack's region.",
			broken: func(l *loader) string {
				// Its form was checked: arn, aws, wafv2, region.
				return failed(l.Site.WebACL != "" && strings.SplitN(l.Site.WebACL, ":", 5)[3] != l.Region,
					"the stack is in %s; use a web ACL of that region", setting.Quoted(l.Region))
			},
		},
		{
			keys: []string{"staff.pool", "site.domain"},
			says: "A user pool for staff comes with a domain: Cognito sends people back over HTTPS only, which needs " +
				"a certificate.",
			broken: func(l *loader) string {
				return failed(l.Staff.Pool && l.Site.Domain == "",
					"site.domain is not set; set it with site.zoneId, or remove staff.pool")
			},
		},
		{
			keys: []string{"staff.pool", "staff.poolDomain"},
			says: "The user pool and the address of its pages are both set, or neither.",
			broken: func(l *loader) string {
				return cmp.Or(
					failed(l.Staff.Pool && l.Staff.PoolDomain == "",
						"staff.poolDomain is not set; choose one, or remove staff.pool"),
					failed(!l.Staff.Pool && l.Staff.PoolDomain != "", "staff.pool is false; set it to true, or remove "+
						"staff.poolDomain"))
			},
		},
		{
			keys: []string{"staff.poolOnly", "staff.pool"},
			says: "The user pool is the only way in only if there is one.",
			broken: func(l *loader) string {
				return failed(l.Staff.PoolOnly && !l.Staff.Pool,
					"staff.pool is false: nobody could sign in; set it to true, or remove staff.poolOnly")
			},
		},
	}
}

// failed returns the message where the rule is broken.
func failed(broken bool, format string, args ...any) string {
	if !broken {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// together applies the rules.
func (l *loader) together() {
	for _, r := range rules() {
		if slices.ContainsFunc(r.keys, l.unsound) {
			continue
		}
		sum := r.broken(l)
		if sum == "" {
			continue
		}
		name := r.keys[0]
		if i := slices.IndexFunc(r.keys, l.IsGiven); i > 0 && !r.missing {
			name = r.keys[i]
		}
		// The sum repeats values.
		if l.secret {
			sum = "change one of " + strings.Join(r.keys, ", ")
		}
		l.Fault(l.FaultOf(name, strings.TrimSuffix(strings.ReplaceAll(r.says, "`", ""), ".")+": "+sum))
	}
}

// unsound reports whether the value of a key is not the one that was meant.
func (l *loader) unsound(name string) bool {
	return l.Bad[name] || !l.IsGiven(name) && l.Bad["preset"]
}
