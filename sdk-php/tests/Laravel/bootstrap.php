<?php

declare(strict_types=1);

$application = getenv('WAYBILL_TEST_APPLICATION');
if ($application === false || getenv('WAYBILL_URL') === false) {
    fwrite(\STDERR, "WAYBILL_TEST_APPLICATION (a Laravel application with this package) and WAYBILL_URL (a gateway) must be set\n");
    exit(1);
}

require "{$application}/vendor/autoload.php";
