package engine

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
func limitDatabase(l look) {
	l.match("username", `^[a-zA-Z][a-zA-Z0-9_]{0,15}$`, "1 to 16 letters, digits and underscores, with a letter first")
	if name, known := l.text("username"); known && slices.Contains([]string{"rdsadmin", "admin", "root", "mysql"}, strings.ToLower(name)) {
		l.refuse("username", "is %q, which RDS keeps to itself or an attacker tries first", name)
	}
	if password, known := l.text("password"); known {
		if n := utf8.RuneCountInString(password); n < 8 || n > 41 {
			l.refuse("password", "has %d characters, and may have 8 to 41", n)
		}
		if strings.ContainsAny(password, `/"@ `) {
			l.refuse("password", "has one of / \" @ or a space")
		}
	}
	l.exclusive("password", "manageMasterUserPassword")
	l.match("instanceClass", `^db\.[a-z0-9]+\.[a-z0-9]+$`, "a class such as db.t4g.micro")
	l.between("backupRetentionPeriod", 0, 35)
	l.match("backupWindow", `^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`, "hh24:mi-hh24:mi")
	l.match("maintenanceWindow", `^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$`, "ddd:hh24:mi-ddd:hh24:mi")
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html#gp3-storage
	l.between("allocatedStorage", 20, 65536)
	least, one := l.number("allocatedStorage")
	if most, two := l.number("maxAllocatedStorage"); one && two && most <= least {
		l.refuse("maxAllocatedStorage", "is %v, and has to exceed allocatedStorage, %v", most, least)
	}
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.MySQLDB.PublishtoCloudWatchLogs.html
	for _, kind := range l.texts("enabledCloudwatchLogsExports") {
		if !slices.Contains([]string{"audit", "error", "general", "slowquery"}, kind) {
			l.refuse("enabledCloudwatchLogsExports", "has %q, which is no log of MySQL", kind)
		}
	}
	// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Overview.Engines.html
	if class, known := l.text("instanceClass"); known && l.flag("performanceInsightsEnabled") &&
		slices.Contains([]string{"db.t2.micro", "db.t2.small", "db.t3.micro", "db.t3.small", "db.t4g.micro", "db.t4g.small"}, class) {
		l.refuse("performanceInsightsEnabled", "is not to be had with %s", class)
	}
	if v, known := l.number("performanceInsightsRetentionPeriod"); known && v != 7 && v != 731 && (int(v)%31 != 0 || v > 713) {
		l.refuse("performanceInsightsRetentionPeriod", "is %v, and has to be 7, 731 or a multiple of 31", v)
	}
	if l.given("performanceInsightsRetentionPeriod") && !l.flag("performanceInsightsEnabled") {
		l.refuse("performanceInsightsRetentionPeriod", "goes with performanceInsightsEnabled only")
	}
	l.match("finalSnapshotIdentifier", `^[a-zA-Z](-?[a-zA-Z0-9]){0,254}$`, "letters, digits and hyphens, with a letter first, no two hyphens together and none last")
	l.oneOf("engineLifecycleSupport", "open-source-rds-extended-support", "open-source-rds-extended-support-disabled")
	l.oneOf("caCertIdentifier", "rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
	l.oneOf("storageType", "gp3", "gp2", "io1", "io2", "standard")
}

// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html
func limitSubnetGroup(l look) {
	l.count("subnetIds", 2, 20)
	if name, known := l.text("name"); known && strings.EqualFold(name, "default") {
		l.refuse("name", "is default, which RDS keeps to itself")
	}
}

// https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/db_parameter_group: "Problematic Plan
// Changes". Which parameters are static:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MySQL.Parameters.html.
func limitParameterGroup(l look) {
	seen := map[string]bool{}
	for _, p := range l.objects("parameters") {
		p.oneOf("applyMethod", "immediate", "pending-reboot")
		name, _ := p.text("name")
		if seen[name] {
			p.refuse("name", "is %q, which is there already", name)
		}
		seen[name] = true
		// The one that a parameter of type list or static needs would differ for ever.
		if name == "performance_schema" || name == "lower_case_table_names" {
			if method, _ := p.text("applyMethod"); method != "pending-reboot" {
				p.refuse("applyMethod", "of %s has to be pending-reboot: it is static", name)
			}
		}
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func limitBucket(l look) {
	name, known := l.text("bucket")
	if !known {
		return
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			l.refuse("bucket", "begins with %s, which AWS keeps to itself", prefix)
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			l.refuse("bucket", "ends with %s, which AWS keeps to itself", suffix)
		}
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
func limitObject(l look) {
	l.required("bucket")
	l.exclusive("source", "content", "contentBase64")
	if key, known := l.text("key"); known && (key == "" || len(key) > 1024) {
		l.refuse("key", "has %d bytes, and may have 1 to 1024", len(key))
	}
	l.oneOf("checksumAlgorithm", "CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME")
	l.exclusive("etag", "kmsKeyId")
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html: 20 KB.
func limitBucketPolicy(l look) { policyDocument(l, "policy", resourcePolicy, 20<<10) }

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_OwnershipControlsRule.html
func limitOwnership(l look) {
	if rule, given := l.object("rule"); given {
		rule.oneOf("objectOwnership", "BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced")
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ServerSideEncryptionByDefault.html
func limitEncryption(l look) {
	l.required("rules")
	for _, rule := range l.objects("rules") {
		by, given := rule.object("applyServerSideEncryptionByDefault")
		if !given {
			continue
		}
		by.oneOf("sseAlgorithm", "AES256", "aws:kms", "aws:kms:dsse")
		if algorithm, _ := by.text("sseAlgorithm"); algorithm == "AES256" && by.given("kmsMasterKeyId") {
			by.refuse("kmsMasterKeyId", "does not go with AES256")
		}
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_VersioningConfiguration.html; the provider knows a third status,
// Disabled: https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/s3_bucket_versioning.
func limitVersioning(l look) {
	if configuration, given := l.object("versioningConfiguration"); given {
		configuration.oneOf("status", "Enabled", "Suspended", "Disabled")
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
func limitLifecycle(l look) {
	l.required("rules")
	l.count("rules", 1, 1000)
	ids := map[string]bool{}
	for _, rule := range l.objects("rules") {
		rule.length("id", 1, 255)
		id, _ := rule.text("id")
		if ids[id] {
			rule.refuse("id", "is %q, which another rule has", id)
		}
		ids[id] = true
		rule.oneOf("status", "Enabled", "Disabled")
		rule.exclusive("filter", "prefix")
		acts := false
		for _, action := range []string{"abortIncompleteMultipartUpload", "expiration", "noncurrentVersionExpiration", "noncurrentVersionTransitions", "transitions"} {
			acts = acts || rule.given(action)
		}
		if !acts {
			rule.refuse("status", "is of a rule that does nothing")
		}
		if e, given := rule.object("expiration"); given {
			// A marker cannot expire by age in the rule that removes it when nothing is left behind it.
			e.exclusive("expiredObjectDeleteMarker", "days")
			if days, known := e.number("days"); known && days < 1 {
				e.refuse("days", "is %v, and has to be above 0", days)
			}
		}
		if e, given := rule.object("noncurrentVersionExpiration"); given {
			if days, known := e.number("noncurrentDays"); known && days < 1 {
				e.refuse("noncurrentDays", "is %v, and has to be above 0", days)
			}
		}
		if e, given := rule.object("abortIncompleteMultipartUpload"); given {
			if days, known := e.number("daysAfterInitiation"); known && days < 1 {
				e.refuse("daysAfterInitiation", "is %v, and has to be above 0", days)
			}
			if filter, given := rule.object("filter"); given && (filter.given("tag") || filter.given("objectSizeGreaterThan")) {
				rule.refuse("abortIncompleteMultipartUpload", "does not go with a filter by tag or size")
			}
		}
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html
func limitCORS(l look) {
	l.count("corsRules", 1, 100)
	for _, rule := range l.objects("corsRules") {
		for _, method := range rule.texts("allowedMethods") {
			if !slices.Contains([]string{"GET", "PUT", "HEAD", "POST", "DELETE"}, method) {
				rule.refuse("allowedMethods", "has %q", method)
			}
		}
		for _, origin := range rule.texts("allowedOrigins") {
			if strings.Count(origin, "*") > 1 || strings.HasSuffix(origin, "/") {
				rule.refuse("allowedOrigins", "has %q: an origin has one * at most and no slash at its end", origin)
			}
		}
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
func limitTable(l look) {
	l.required("hashKey", "attributes")
	l.oneOf("billingMode", "PAY_PER_REQUEST", "PROVISIONED")
	used := map[string]bool{}
	keys := func(l look) {
		for _, key := range []string{"hashKey", "rangeKey"} {
			if name, known := l.text(key); known {
				used[name] = true
			}
		}
	}
	keys(l)
	demand := false
	if mode, _ := l.text("billingMode"); mode == "PAY_PER_REQUEST" {
		demand = true
	}
	for _, index := range append(l.objects("globalSecondaryIndexes"), l.objects("localSecondaryIndexes")...) {
		keys(index)
		index.match("name", `^[a-zA-Z0-9_.-]{3,255}$`, "3 to 255 letters, digits, underscores, hyphens and periods")
		index.oneOf("projectionType", "ALL", "KEYS_ONLY", "INCLUDE")
		if demand && (index.given("readCapacity") || index.given("writeCapacity")) {
			index.refuse("readCapacity", "and writeCapacity do not go with PAY_PER_REQUEST")
		}
	}
	if demand && (l.given("readCapacity") || l.given("writeCapacity")) {
		l.refuse("readCapacity", "and writeCapacity do not go with PAY_PER_REQUEST")
	}
	// One that no key or index uses is refused; the provider itself says "all attributes must be indexed".
	declared := map[string]bool{}
	for _, attribute := range l.objects("attributes") {
		name, _ := attribute.text("name")
		declared[name] = true
		attribute.oneOf("type", "S", "N", "B")
		if !used[name] {
			attribute.refuse("name", "is %q, which no key uses: DynamoDB takes the attributes of keys only", name)
		}
	}
	for name := range used {
		if !declared[name] {
			l.refuse("attributes", "lacks %q, which is a key", name)
		}
	}
	if ttl, given := l.object("ttl"); given && ttl.flag("enabled") {
		if name, known := ttl.text("attributeName"); known && name == "" {
			ttl.refuse("attributeName", "is required")
		}
	}
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func limitParameter(l look) {
	l.match("name", `^(/[a-zA-Z0-9_.-]+){1,15}$`, "a path of 15 levels at most, of letters, digits, underscores, periods and hyphens")
	if name, known := l.text("name"); known {
		first := strings.ToLower(strings.TrimPrefix(name, "/"))
		if strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm") {
			l.refuse("name", "is %q: aws and ssm at the start are kept by AWS", name)
		}
		if len(name) > 1011 {
			l.refuse("name", "has %d characters, and may have 1011", len(name))
		}
	}
	l.oneOf("type", "String", "StringList", "SecureString")
	l.oneOf("tier", "Standard", "Advanced", "Intelligent-Tiering")
	if !l.given("value") && !l.given("insecureValue") {
		l.refuse("value", "is required")
	}
	l.exclusive("value", "insecureValue")
	value, known := l.text("value")
	if !known {
		return
	}
	tier, _ := l.text("tier")
	switch {
	case value == "":
		l.refuse("value", "is empty, which Parameter Store does not take")
	case len(value) > 4096 && tier != "Advanced":
		l.refuse("value", "has %d bytes, and may have 4096 in the standard tier", len(value))
	case len(value) > 8192:
		l.refuse("value", "has %d bytes, and may have 8192", len(value))
	case strings.Contains(value, "{{"):
		l.refuse("value", "has {{, which Systems Manager takes for the name of another parameter")
	}
}
