package policy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
)

const maintenanceScheduleCRD = "../../../config/crd/upgrades.giantswarm.io_maintenanceschedules.yaml"

// wantErrors are the invalid samples, and what the API server says of each.
var wantErrors = map[string]string{
	"absolute-path":                           "git.path must be relative and inside the repository",
	"signing-key-without-secret":              "spec.git.commit.signingKey.secretRef",
	"unknown-signing-key-type":                "spec.git.commit.signingKey.type",
	"author-without-email":                    "spec.git.commit.author.email",
	"bad-exclusion":                           "spec.versions.exclude",
	"bad-interval":                            "chart.interval must be a duration such as 10m",
	"bad-time-zone":                           "timeZone must be an IANA name",
	"chart-with-credentials":                  "spec.chart.url",
	"chart-with-tag":                          "spec.chart.url",
	"check-with-bad-api-version":              "spec.rollout.health.checks[0].apiVersion",
	"check-without-name":                      "spec.rollout.health.checks[0].name",
	"cron-recurrence":                         "recurrence must be an RRULE in upper case",
	"dependency-without-name":                 "spec.rollout.dependsOn[0].name",
	"depends-on-itself":                       "rollout.dependsOn must not name the policy itself",
	"duplicate-dependency":                    `spec.rollout.dependsOn[1]: Duplicate value: {"name":"cert-manager"}`,
	"duplicate-wave":                          `spec.rollout.waves[1]: Duplicate value: {"name":"canary"}`,
	"duplicate-window":                        `spec.schedule.windows[1]: Duplicate value: {"name":"nights"}`,
	"endless-interval":                        "chart.interval must be a duration such as 10m or 1h30m, at most 24h",
	"endless-min-age":                         "rollout.minAge must be a duration such as 48h or 1h30m, at most 2160h",
	"endless-soak":                            "soak must be a duration such as 24h or 1h30m, at most 2160h",
	"endless-timeout":                         "rollout.health.timeout must be a duration such as 30m or 1h30m, at least 1s and at most 168h",
	"exclusion-ends-before-start":             "spec.schedule.exclusions[0]: Invalid value: endTime must be after startTime",
	"http-chart":                              "spec.chart.url",
	"lower-case-recurrence":                   "recurrence must be an RRULE in upper case",
	"maintenance-exclusion-ends-before-start": "spec.schedule.exclusions[0]: Invalid value: endTime must be after startTime",
	"maintenance-schedule-with-nothing":       "spec.schedule: Required value",
	"maintenance-schedule-without-times":      "schedule needs a window or an exclusion",
	"min-age-in-days":                         "days are written in hours",
	"name-and-selector":                       "set exactly one of name and selector",
	"name-too-long":                           "metadata.name must have at most 63 characters",
	"negative-max-failed":                     "spec.rollout.health.maxFailed",
	"negative-min-age":                        "rollout.minAge must be a duration such as 48h",
	"neither-name-nor-selector":               "set exactly one of name and selector",
	"no-range":                                "spec.versions.range",
	"no-targets":                              "spec.targets",
	"no-timeout":                              "rollout.health.timeout must be a duration such as 30m or 1h30m, at least 1s",
	"no-waves":                                "spec.rollout.waves",
	"path-outside":                            "git.path must be relative and inside the repository",
	"path-without-source":                     "git.path needs git.sourceRef",
	"push-without-anything":                   "git.push needs branch or options",
	"push-to-no-branch-name":                  "git.push.branch must be the name of a branch",
	"push-to-head":                            "git.push.branch must be the short name of a branch",
	"push-to-reference":                       "git.push.branch must be the short name of a branch",
	"push-to-lock":                            "git.push.branch must be the name of a branch",
	"push-to-folder":                          "git.push.branch must be the name of a branch",
	"push-to-markers":                         "git.push.branch must not end with -markers",
	"push-option-with-spaces":                 "git.push.options: a key has 1 to 128 letters",
	"push-option-of-two-lines":                "spec.git.push.options.ci.variable",
	"recurrence-with-hour":                    "recurrence must not have BYHOUR",
	"recurrence-with-two-ends":                "recurrence must not have both COUNT and UNTIL",
	"recurrence-without-freq":                 "recurrence must be an RRULE in upper case with FREQ=DAILY",
	"secret-with-provider":                    "chart.secretRef cannot be used with chart.provider",
	"soak-without-later-wave":                 "the last wave must have no soak",
	"unknown-auto-approve":                    "spec.rollout.autoApprove",
	"unknown-blocks":                          "spec.blocks",
	"unknown-field":                           `unknown field "spec.strategy"`,
	"unknown-kind":                            "spec.targets[0].kind",
	"unknown-marker-mode":                     "spec.git.markers",
	"unknown-never-skip":                      "spec.versions.neverSkip",
	"unknown-on-failure":                      "spec.rollout.health.onFailure",
	"unknown-provider":                        "spec.chart.provider",
	"unknown-reformat-mode":                   "spec.git.reformat",
	"unknown-wave-auto-approve":               "spec.rollout.waves[0].autoApprove",
	"upper-case-wave":                         "spec.rollout.waves[0].name",
	"wave-selects-all":                        "an empty selector selects the targets of every other wave",
	"waves-without-selector":                  "only one wave may have no selector",
	"window-ends-before-start":                "spec.schedule.windows[0]: Invalid value: endTime must be after startTime",
	"window-without-date":                     "spec.schedule.windows[0].startTime",
	"window-without-end":                      "spec.schedule.windows[0].endTime",
	"window-without-length":                   "spec.schedule.windows[0]: Invalid value: endTime must be after startTime",
	"yearly-recurrence":                       "recurrence must be an RRULE in upper case with FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY",
}

// testSamples applies the samples as kubectl does: strictly.
func (e *environment) testSamples(t *testing.T) {
	must(t, e.cluster.InstallCRDs(t.Context(), maintenanceScheduleCRD))
	valid, err := filepath.Glob(samples + "/*.yaml")
	must(t, err)
	if len(valid) == 0 {
		t.Error("there are no samples")
	}
	for _, path := range valid {
		if err := e.dryRun(t, path); err != nil {
			t.Errorf("%s is refused: %v", path, err)
		}
		if err := readable(t, path); err != nil {
			t.Errorf("%s is applied, and then stalls: %v", path, err)
		}
	}
	invalid, err := filepath.Glob(samples + "/invalid/*.yaml")
	must(t, err)
	if len(invalid) != len(wantErrors) {
		t.Errorf("there are %d invalid samples and %d expectations", len(invalid), len(wantErrors))
	}
	for name, want := range wantErrors {
		err := e.dryRun(t, filepath.Join(samples, "invalid", name+".yaml"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want an error with %q, got %v", name, want, err)
		}
	}
}

// readable says what is wrong with a sample that the API server cannot see.
func readable(t *testing.T, path string) error {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	var kind metav1.TypeMeta
	must(t, yaml.Unmarshal(data, &kind))
	switch kind.Kind {
	case sourcev1.GitRepositoryKind: // the API server sees all of it
		return nil
	case v1alpha1.MaintenanceScheduleKind:
		maintenance := &v1alpha1.MaintenanceSchedule{}
		must(t, yaml.UnmarshalStrict(data, maintenance))
		_, err := schedule.Parse(maintenance.Spec.Schedule)
		return err
	}
	policy := &v1alpha1.AppUpgradePolicy{}
	must(t, yaml.UnmarshalStrict(data, policy))
	if finding := validate(policy); finding != nil {
		return errors.New(finding.Message)
	}
	return parseSchedules(policy.Spec)
}

func parseSchedules(spec v1alpha1.AppUpgradePolicySpec) error {
	schedules := []*v1alpha1.Schedule{spec.Schedule}
	if spec.Rollout != nil {
		for _, wave := range spec.Rollout.Waves {
			schedules = append(schedules, wave.Schedule)
		}
	}
	for _, s := range schedules {
		if s == nil {
			continue
		}
		if _, err := schedule.Parse(*s); err != nil {
			return err
		}
	}
	return nil
}

func (e *environment) dryRun(t *testing.T, path string) error {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	object := &unstructured.Unstructured{}
	must(t, yaml.UnmarshalStrict(data, &object.Object))
	if name := object.GetNamespace(); name != "" {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		must(t, client.IgnoreAlreadyExists(e.client.Create(t.Context(), namespace)))
	}
	return client.WithFieldValidation(e.client, metav1.FieldValidationStrict).Create(t.Context(), object, client.DryRunAll)
}
