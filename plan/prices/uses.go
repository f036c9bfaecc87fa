package prices

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"dossier.example/plan/graph"
)

// Use is what one unit of use costs on top.
type Use struct {
	What string
	// Price is 0 where the table does not have it.
	Price float64
	Unit  string
	// Region is where, if that is not the stack's.
	Region string
}

// use is a kind of use.
type use struct {
	what, key string
	// number is how many of what the key's price is of make a unit.
	number float64
	unit   string
	// of are the types that it is a use of; none: of any stack.
	of []string
}

// uses is what costs by use, in the order of what a busy month usually spends.
func uses() []use {
	var (
		buckets  = []string{"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"}
		balancer = []string{"aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer"}
		nat      = []string{"aws:ec2/natGateway:NatGateway"}
		table    = []string{"aws:dynamodb/table:Table"}
		logs     = []string{"aws:cloudwatch/logGroup:LogGroup"}
		database = []string{"aws:rds/instance:Instance"}
		names    = []string{"aws:route53/record:Record"}
		scans    = []string{"aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan"}
		users    = []string{"aws:cognito/userPool:UserPool"}
		function = []string{"aws:lambda/function:Function"}
		queue    = []string{"aws:sqs/queue:Queue"}
	)
	const million = 1_000_000
	return []use{
		{"Data out to the internet, beyond the account's 100 GB a month", "data/out", 1, "GB", nil},
		{"Files in S3, old versions included", "s3/storage", 1, "GB and month", buckets},
		{"Writing to S3", "s3/write", 1000, "1,000 requests", buckets},
		{"Reading from S3", "s3/read", 1000, "1,000 requests", buckets},
		// https://aws.amazon.com/guardduty/pricing/, in its example of Malware Protection for S3
		{"Objects that GuardDuty scans, beyond a new account's 1 GB a month", "guardduty/scan", 1, "GB", scans},
		{"Objects that GuardDuty scans, beyond a new account's 1,000 a month", "guardduty/object", 1000,
			"1,000 objects", scans},
		// https://aws.amazon.com/cognito/pricing/
		{"People who sign in with Cognito's plan Essentials, beyond the account's 10,000 a month", "cognito/essentials",
			1000, "1,000 people", users},
		{"Calls of Lambda functions", "lambda/request", million, "million", function},
		{"Time of Lambda functions on x86", "lambda/second", 1000, "1,000 GB-seconds", function},
		{"Time of Lambda functions on Graviton", "lambda/arm/second", 1000, "1,000 GB-seconds", function},
		{"Requests to SQS", "sqs/request", million, "million", queue},
		{"Load balancer capacity units", "lb/application/lcu", 1, "LCU-hour", balancer},
		{"NAT gateway, except for S3 and DynamoDB by gateway endpoints", "nat/data", 1, "GB", nat},
		{"DynamoDB writes on demand", "dynamodb/write", million, "million of 1 KB", table},
		{"DynamoDB reads on demand, strongly consistent", "dynamodb/read", million, "million of 4 KB", table},
		{"DynamoDB storage, after 25 GB", "dynamodb/storage", 1, "GB and month", table},
		{"DynamoDB point-in-time recovery", "dynamodb/pitr", 1, "GB and month", table},
		{"Log ingestion", "logs/ingest", 1, "GB", logs},
		{"Log storage", "logs/storage", 1, "GB and month", logs},
		{"Database storage of gp3 that RDS adds automatically (Multi-AZ: twice)", "rds/storage/gp3", 1, "GB and month",
			database},
		{"Database backups beyond the size of the database", "rds/backup", 1, "GB and month", database},
		{"Route 53 queries for other than alias records", "route53/query", million, "million", names},
		{"Data between zones, each way", "data/zones", 1, "GB", nil},
	}
}

// Uses is what costs by use in a stack of a region, in the order of what a busy month usually spends: of each region
// that has what it is a use of.
func (t *Table) Uses(g *graph.Graph, region string) []Use {
	regions := map[string][]string{}
	for _, r := range g.Resources {
		if in := g.Region(r, region); r.Custom && !r.Read && !slices.Contains(regions[r.Token], in) {
			regions[r.Token] = append(regions[r.Token], in)
		}
	}
	var found []Use
	for _, u := range uses() {
		in := map[string]bool{region: len(u.of) == 0}
		for _, token := range u.of {
			for _, place := range regions[token] {
				in[place] = true
			}
		}
		order := slices.SortedFunc(maps.Keys(in), func(x, y string) int {
			return cmp.Or(-cmp.Compare(own(x, region), own(y, region)), cmp.Compare(x, y))
		})
		for _, place := range order {
			if !in[place] {
				continue
			}
			use := t.priced(u, place)
			if place != region {
				use.Region = place
			}
			found = append(found, use)
		}
	}
	return found
}

// AllUses is what costs by use in a region, whatever stack.
func (t *Table) AllUses(region string) []Use {
	var found []Use
	for _, u := range uses() {
		if use := t.priced(u, region); use.Price > 0 {
			found = append(found, use)
		}
	}
	return found
}

func (t *Table) priced(u use, region string) Use {
	return Use{What: u.what, Price: rounded(t.Price(region, u.key) * u.number), Unit: u.unit}
}

// rounded is a price without what the binary form of its factors adds to it.
func rounded(price float64) float64 {
	n, err := strconv.ParseFloat(strconv.FormatFloat(price, 'g', 10, 64), 64)
	if err != nil || math.IsNaN(n) {
		return price
	}
	return n
}

// NotCounted is what the sums leave out.
func NotCounted() []string {
	return []string{
		"tax, support plans, savings plans, reserved capacity, and a new account's free tier",
		"licenses of operating systems: instances are priced as those of Linux",
		"CPU credits of burstable instances and classes beyond their baseline (t4g and t3 run in unlimited mode)",
		"what exists before the stack, such as hosted zones and web ACLs that it only refers to",
		"instances and tasks beyond the least of a group: those added under load, and the extra ones during a rollout",
		"emails and text messages",
		"usage, by the table of what use costs",
	}
}
