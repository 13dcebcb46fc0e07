<?php

declare(strict_types=1);

use PhpCsFixer\Config;
use PhpCsFixer\Finder;

return (new Config())
    ->setRiskyAllowed(true)
    ->setRules([
        '@PER-CS' => true,
        '@PHP82Migration' => true,
        'declare_strict_types' => true,
        'no_unused_imports' => true,
        'ordered_imports' => true,
        'fully_qualified_strict_types' => false,
        'native_function_invocation' => ['include' => ['@compiler_optimized']],
        'native_constant_invocation' => true,
        'single_quote' => true,
        'strict_comparison' => true,
        'strict_param' => true,
        'trailing_comma_in_multiline' => ['elements' => ['arrays', 'arguments', 'parameters', 'match']],
        'yoda_style' => false,
    ])
    ->setFinder((new Finder())->in([__DIR__ . '/src', __DIR__ . '/tests'])->append([__FILE__, __DIR__ . '/bin/waybill-lease-keeper']));
