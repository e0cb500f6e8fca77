package policy

import (
	"errors"
	"fmt"
	"regexp"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/kinds"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/schedule"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// removedTemplateData is what Flux's commit templates had until version 2.8 and refuse now.
var removedTemplateData = regexp.MustCompile(`\{\{[^}]*[^\w)\]]\.Updated\b`)

// validate finds what is wrong with a spec in itself and what the schema cannot say; nil if nothing is.
func validate(policy *v1alpha1.AppUpgradePolicy) *pin.Finding {
	for _, check := range []func(v1alpha1.AppUpgradePolicySpec) error{
		validateVersions, validateSelectors, validateTemplate, validateSchedules, validateRollout,
	} {
		if err := check(policy.Spec); err != nil {
			return &pin.Finding{Reason: v1alpha1.InvalidSpecReason, Message: err.Error()}
		}
	}
	return nil
}

func validateVersions(spec v1alpha1.AppUpgradePolicySpec) error {
	if _, err := versions.Compose(spec.Versions.Range, spec.Versions.Exclude); err != nil {
		return err
	}
	if spec.Versions.FilterTags == nil {
		return nil
	}
	_, err := versions.NewFilter(spec.Versions.FilterTags.Pattern, spec.Versions.FilterTags.Extract)
	return err
}

func validateSelectors(spec v1alpha1.AppUpgradePolicySpec) error {
	for i, target := range spec.Targets {
		if kinds.Of(target.Kind) == nil {
			return fmt.Errorf("targets[%d].kind: this operator knows no kind %q of targets", i, target.Kind)
		}
		if target.Selector == nil {
			continue
		}
		if _, err := metav1.LabelSelectorAsSelector(target.Selector); err != nil {
			return fmt.Errorf("targets[%d].selector: %w", i, err)
		}
	}
	return nil
}

// validateSchedules reads the policy's schedule, and those of its waves.
func validateSchedules(spec v1alpha1.AppUpgradePolicySpec) error {
	if spec.Schedule != nil {
		if _, err := schedule.Parse(*spec.Schedule); err != nil {
			return fmt.Errorf("schedule.%w", err)
		}
	}
	if spec.Rollout == nil {
		return nil
	}
	for _, wave := range spec.Rollout.Waves {
		if wave.Schedule == nil {
			continue
		}
		if _, err := schedule.Parse(*wave.Schedule); err != nil {
			return fmt.Errorf("rollout.waves[%s].schedule.%w", wave.Name, err)
		}
	}
	return nil
}

func validateRollout(spec v1alpha1.AppUpgradePolicySpec) error {
	if spec.Rollout == nil {
		return nil
	}
	for _, wave := range spec.Rollout.Waves {
		if wave.Selector == nil {
			continue
		}
		if _, err := metav1.LabelSelectorAsSelector(wave.Selector); err != nil {
			return fmt.Errorf("rollout.waves[%s].selector: %w", wave.Name, err)
		}
	}
	for _, dependency := range spec.Rollout.DependsOn {
		if dependency.Range == "" {
			continue
		}
		if _, err := versions.ParseRange(dependency.Range); err != nil {
			return fmt.Errorf("rollout.dependsOn[%s].range: %w", dependency.Name, err)
		}
	}
	return nil
}

func validateTemplate(spec v1alpha1.AppUpgradePolicySpec) error {
	if spec.Git == nil || spec.Git.Commit == nil {
		return nil
	}
	text := spec.Git.Commit.MessageTemplate
	if removedTemplateData.MatchString(text) {
		return errors.New("git.commit.messageTemplate: Flux has removed .Updated: use .Changed.Changes, " +
			"each with .Setter, .OldValue and .NewValue, or .Changed.FileChanges and .Changed.Objects")
	}
	// The functions that Flux gives to a template, see fluxcd/image-automation-controller, internal/source.
	if _, err := template.New("messageTemplate").Funcs(sprig.HermeticTxtFuncMap()).Parse(text); err != nil {
		return fmt.Errorf("git.commit.messageTemplate is no Go template: %w", err)
	}
	return nil
}
