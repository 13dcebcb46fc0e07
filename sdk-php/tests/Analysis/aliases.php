<?php

declare(strict_types=1);

// PHPStan can't see the alias of this class by which protoc's comments name it; loading the class makes it.

use Google\Protobuf\RepeatedField;

class_exists(RepeatedField::class);
