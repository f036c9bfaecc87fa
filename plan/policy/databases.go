package policy

import (
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// withoutInsights are the instance classes for which Performance Insights is not to be had with RDS for MySQL
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Overview.Engines.html).
var withoutInsights = []string{"db.t2.micro", "db.t2.small", "db.t3.micro", "db.t3.small", "db.t4g.micro",
	"db.t4g.small"}

func databaseRules() []Rule {
	return needing([]Rule{
		{
			ID: "RDS.2", Also: []string{"CIS 2.2.3", "CKV_AWS_17"},
			Says: "Databases have no public address and stand in private subnets.",
			Check: All(
				Must(databaseType, "publiclyAccessible", false, "set publiclyAccessible to false"),
				Each(databaseType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
					const mend = "set dbSubnetGroupName to a group of private subnets"
					group := g.Resolve(r.Input("dbSubnetGroupName"), subnetGroupType)
					if group == nil || len(graph.Items(group.Input("subnetIds"))) == 0 {
						return []Violation{At(r, mend, "its subnets are not known")}
					}
					var found []Violation
					for _, ref := range graph.Items(group.Input("subnetIds")) {
						switch subnet := g.Resolve(ref, subnetType); {
						case subnet == nil:
							found = append(found, At(group, mend, "it names a subnet that is not in the graph: %s",
								Shown(ref)))
						case g.Public(subnet):
							found = append(found, At(group, mend, "%s has a route to the internet gateway", subnet))
						}
					}
					return found
				}),
			),
		},
		{
			ID: "RDS.3", Also: []string{"CIS 2.2.1", "CKV_AWS_16"},
			Says:  "Databases are encrypted where they rest.",
			Check: Must(databaseType, "storageEncrypted", true, "set storageEncrypted to true"),
		},
		{
			ID: "RDS.5", Also: []string{"CKV_AWS_157"},
			Says:       "Databases have a standby in another zone.",
			Production: true,
			Otherwise: "A standby doubles the database's price; without it an outage of a zone costs the time " +
				"of a restore.",
			Check: Must(databaseType, "multiAz", true, "set multiAz to true"),
		},
		{
			ID: "RDS.8", Also: []string{"CKV_AWS_293"},
			Says:       "Databases cannot be deleted by mistake, and leave a snapshot when they are.",
			Production: true, Otherwise: "A trial environment is destroyed in one step.",
			Check: All(
				Must(databaseType, "deletionProtection", true, "set deletionProtection to true"),
				Must(databaseType, "skipFinalSnapshot", false, "set skipFinalSnapshot to false"),
			),
		},
		{
			ID: "RDS.9", Also: []string{"CKV_AWS_129"},
			Says: "Databases send their error log and their slow query log to CloudWatch. (The general log would " +
				"copy people's details into logs; the audit log needs an option group and stands beside CloudTrail " +
				"and the app's own log.)",
			Check: Each(databaseType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				var found []Violation
				for _, kind := range []string{"error", "slowquery"} {
					if !slices.Contains(graph.Texts(r.Input("enabledCloudwatchLogsExports")), kind) {
						found = append(found,
							At(r, "add "+kind+" to enabledCloudwatchLogsExports", "it does not send its %s log", kind))
					}
				}
				return found
			}),
		},
		{
			ID: "RDS.11", Also: []string{"CKV_AWS_133"},
			Says: "Databases are backed up: for seven days at least in production, for one elsewhere.",
			Check: Each(databaseType, func(_ *graph.Graph, env Environment, r *graph.Resource) []Violation {
				least := 1.0
				if env.Production {
					least = 7
				}
				if n, ok := graph.Number(r.Input("backupRetentionPeriod")); !ok || n < least {
					return []Violation{At(r, "raise backupRetentionPeriod",
						"backupRetentionPeriod is %s days, not %v or more", Shown(r.Input("backupRetentionPeriod")),
						least)}
				}
				return nil
			}),
		},
		{
			ID: "RDS.13", Also: []string{"CIS 2.2.2", "CKV_AWS_226"},
			Says:  "Databases take minor upgrades, so security fixes, by themselves.",
			Check: Must(databaseType, "autoMinorVersionUpgrade", true, "set autoMinorVersionUpgrade to true"),
		},
		{
			ID: "RDS.17", Also: []string{"CKV2_AWS_60"},
			Says:  "Snapshots carry the database's tags, so that their cost and owner are known.",
			Check: Must(databaseType, "copyTagsToSnapshot", true, "set copyTagsToSnapshot to true"),
		},
		{
			ID:   "RDS.23",
			Says: "Databases do not listen on their engine's default port.",
			Check: Each(databaseType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				if n, ok := graph.Number(r.Input("port")); ok && n != 3306 {
					return nil
				}
				return []Violation{At(r, "set port to another one", "port is %s, and MySQL's is 3306",
					Shown(r.Input("port")))}
			}),
		},
		{
			ID:   "RDS.25",
			Says: "The master user has no name that an attacker tries first.",
			Check: Each(databaseType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				name := strings.ToLower(graph.Text(r.Input("username")))
				if name == "" ||
					slices.Contains([]string{"admin", "administrator", "root", "master", "mysql", "postgres",
						"rdsadmin", "user"}, name) {
					return []Violation{At(r, "choose another username", "username is %s", Shown(r.Input("username")))}
				}
				return nil
			}),
		},
		{
			ID:   "CKV2_AWS_69",
			Says: "Databases refuse connections without TLS.",
			Check: Each(databaseType, func(g *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				const mend = "set require_secure_transport to 1 in its parameter group"
				group := g.Resolve(r.Input("parameterGroupName"), parameterGroupType)
				if group == nil {
					return []Violation{At(r, mend, "it has no parameter group of the stack")}
				}
				for _, p := range graph.Items(group.Input("parameters")) {
					if graph.At(p, "name") == "require_secure_transport" &&
						slices.Contains([]string{"1", "ON"}, strings.ToUpper(graph.Text(graph.At(p, "value")))) {
						return nil
					}
				}
				return []Violation{At(group, mend, "it does not set require_secure_transport")}
			}),
		},
		{
			ID:   "CKV_AWS_353",
			Says: "Performance Insights is on wherever the instance class has it: seven days cost nothing.",
			Check: Each(databaseType, func(_ *graph.Graph, _ Environment, r *graph.Resource) []Violation {
				class := graph.Text(r.Input("instanceClass"))
				if slices.Contains(withoutInsights, class) || graph.Is(r.Input("performanceInsightsEnabled"), true) {
					return nil
				}
				return []Violation{At(r, "set performanceInsightsEnabled to true",
					"%s has Performance Insights, and performanceInsightsEnabled is %s",
					Shown(r.Input("instanceClass")), Shown(r.Input("performanceInsightsEnabled")))}
			}),
		},
	}, databaseType)
}
