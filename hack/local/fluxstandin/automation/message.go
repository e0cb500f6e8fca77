package automation

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	imagev1 "github.com/fluxcd/image-automation-controller/api/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/fluxstandin/setters"
)

// defaultMessage is that of an automation without a template.
const defaultMessage = "Update from image update automation"

// errRemovedField marks a template that uses a field which Flux has dropped.
var errRemovedField = errors.New("template uses a removed field")

// templateData is what a commit message template may use.
type templateData struct {
	AutomationObject types.NamespacedName
	Changed          setters.Result
	Values           map[string]string
}

// commitMessage renders the automation's template with the functions that Flux allows: those of Sprig that depend on
// nothing but their arguments.
func commitMessage(auto *imagev1.ImageUpdateAutomation, changes setters.Result) (string, error) {
	spec := auto.Spec.GitSpec.Commit
	if spec.MessageTemplate == "" {
		return defaultMessage, nil
	}
	parsed, err := template.New("commit message").Funcs(sprig.HermeticTxtFuncMap()).Parse(spec.MessageTemplate)
	if err != nil {
		return "", fmt.Errorf("unable to create commit message template from spec: %w", err)
	}
	var message strings.Builder
	err = parsed.Execute(&message, templateData{
		AutomationObject: client.ObjectKeyFromObject(auto),
		Changed:          changes,
		Values:           spec.MessageTemplateValues,
	})
	if err != nil {
		return "", templateFailure(err)
	}
	return message.String(), nil
}

// templateFailure tells a removed field from any other failure. text/template has no error type for it, only a text.
func templateFailure(err error) error {
	for field, instead := range map[string]string{
		"Updated":     "'.Updated' field. Please use '.Changed' instead",
		"ImageResult": "'.Changed.ImageResult' field. Please use '.Changed.FileChanges' or '.Changed.Objects' instead",
	} {
		if strings.Contains(err.Error(), "can't evaluate field "+field+" in type") {
			return fmt.Errorf("%w: %s", errRemovedField, instead)
		}
	}
	return fmt.Errorf("failed to run template from spec: %w", err)
}
