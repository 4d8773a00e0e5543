package sms_test

import (
	"fmt"

	"github.com/seed-16109ab2/rekey/sms"
)

func ExampleMeasure() {
	fmt.Println(sms.Measure("123456 is your code."))
	fmt.Println(sms.Measure("123456 ist Ihr Code – 5 Minuten gültig."))
	// Output:
	// {GSM-7 20 1}
	// {UCS-2 39 1}
}
